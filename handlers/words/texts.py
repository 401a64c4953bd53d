"""Every sentence people read, by one name: `texts.LENT`. The sentences stand in the files beside this one, a file a topic."""

from handlers.words.admins import *
from handlers.words.alerts import *
from handlers.words.announcement import *
from handlers.words.answers import *
from handlers.words.approvals import *
from handlers.words.balance import *
from handlers.words.cards import *
from handlers.words.confirmation import *
from handlers.words.forms import *
from handlers.words.help import *
from handlers.words.history import *
from handlers.words.lending import *
from handlers.words.requests import *
from handlers.words.team import *
