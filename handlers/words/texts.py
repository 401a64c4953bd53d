"""The sentences of all topics under one name, `texts.LENT`; usage lines and refusals are imported by themselves."""

from handlers.words.admins import *
from handlers.words.alerts import *
from handlers.words.announcement import *
from handlers.words.answers import *
from handlers.words.approvals import *
from handlers.words.balance import *
from handlers.words.brake import *
from handlers.words.budget import *
from handlers.words.cards import *
from handlers.words.confirmation import *
from handlers.words.conversation import *
from handlers.words.emergency import *
from handlers.words.forms import *
from handlers.words.gateway import *
from handlers.words.help import *
from handlers.words.history import *
from handlers.words.leaving import *
from handlers.words.lending import *
from handlers.words.opening import *
from handlers.words.pages import *
from handlers.words.requests import *
from handlers.words.team import *
from handlers.words.waiting import *
from handlers.words.weekly import *
