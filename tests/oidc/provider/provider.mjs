// A real OpenID provider on loopback, with its development login page: any name signs in, and is the e-mail.
//   node provider.mjs PORT KID REDIRECT...      prints "ready" when it listens
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, kid, ...redirects] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
const client = { redirect_uris: redirects, grant_types: ['authorization_code'], response_types: ['code'] };

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    { ...client, client_id: 'quotabot', client_secret: 'of the:client/% +' },
    { ...client, client_id: 'another', client_secret: 'of another', token_endpoint_auth_method: 'client_secret_post' },
  ],
  jwks: { keys: [jwk] },
  cookies: { keys: ['only for a test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  ttl: { IdToken: 60, AccessToken: 60, AuthorizationCode: 60, Interaction: 600, Session: 600, Grant: 600 },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id.toUpperCase(), email_verified: !id.startsWith('unverified') }),
  }),
});

provider.listen(Number(port), 'localhost', () => console.log('ready'));
