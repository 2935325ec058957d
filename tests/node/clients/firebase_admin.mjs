// Drives firebase-admin. It knows no other host than Google's, so what is changed is where Node dials for a name:
// names, paths, headers and HTTP/1.1 or 2 stay the library's own. Arguments: host=port of a stand-in, one each.

import http2 from 'node:http2';
import https from 'node:https';
import tls from 'node:tls';

import { cert, initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import { obey, withClockBehind } from './lines.mjs';

const ports = new Map(process.argv.slice(2).map((pair) => pair.split('=')));

/** Opens TLS to the stand-in for a host; its certificate is checked as that of localhost. */
function dial(host, options) {
  const port = ports.get(host);
  if (!port) throw new Error(`nothing stands in for ${host}`);
  return tls.connect({ ...options, host: '127.0.0.1', port: Number(port), servername: 'localhost' });
}

class DiallingAgent extends https.Agent {
  createConnection(options) {
    return dial(options.host, options);
  }
}

const connect = http2.connect;
http2.connect = (url, options) =>
  connect(url, { ...options, createConnection: () => dial(new URL(url).hostname, { ALPNProtocols: ['h2'] }) });
// Neither the library's requests nor those for access tokens are given an agent, so this is the one that they use.
https.globalAgent = new DiallingAgent();

const apps = new Map();

/** The one app of a service account, so that access tokens are kept as in a server that runs for days. */
function open(account) {
  const name = `${account.project_id} ${account.client_email} ${account.private_key}`;
  if (!apps.has(name)) apps.set(name, initializeApp({ credential: cert(account) }, name));
  return getMessaging(apps.get(name));
}

/** An own object for each, as enabling HTTP/1.1 is for good. */
function openFor(transport, account) {
  const messaging = open(account);
  const own = Object.create(messaging);
  if (transport === 'HTTP/1.1') own.enableLegacyHttpTransport();
  return own;
}

const describe = (error) => ({ code: error.code, message: error.message });

const describeBatch = ({ responses, ...counts }) => ({
  ...counts,
  responses: responses.map(({ error, ...rest }) => (error ? { ...rest, error: describe(error) } : rest)),
});

await obey(
  {
    send: ({ account, message, dryRun, clockBehind }) =>
      withClockBehind(clockBehind, () => open(account).send(message, dryRun)),
    sendEach: async ({ account, messages, transport }) =>
      describeBatch(await openFor(transport, account).sendEach(messages)),
    sendEachForMulticast: async ({ account, message, transport }) =>
      describeBatch(await openFor(transport, account).sendEachForMulticast(message)),
  },
  describe,
);
