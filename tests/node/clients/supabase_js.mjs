// Drives @supabase/supabase-js, one client a person. Environment: SUPABASE_URL.

import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';
import { obey } from './lines.mjs';

const clients = new Map();

/** What the API answered, without what supabase-js adds for its caller's comfort. */
const answered = ({ status, data, error }) => ({ status, data, error: error && { ...error, message: error.message } });

const of = (name, schema) => (schema ? clients.get(name).schema(schema) : clients.get(name));

await obey(
  {
    /** Opens the app: with its key alone, or with a token that was made elsewhere. */
    open({ client, key, token }) {
      const options = {
        auth: { persistSession: false, autoRefreshToken: false },
        // Node 20 has no WebSocket of its own.
        realtime: { transport: WebSocket },
        ...(token && { accessToken: async () => token }),
      };
      clients.set(client, createClient(process.env.SUPABASE_URL, key, options));
    },
    /** Signs a new person up; they are signed in from then on. */
    async signUp({ client, email, password, said }) {
      const { data, error } = await clients.get(client).auth.signUp({ email, password, options: { data: said } });
      if (error) throw error;
      return data.user.id;
    },
    async signOut({ client }) {
      const { error } = await clients.get(client).auth.signOut();
      if (error) throw error;
    },
    rpc: async ({ client, name, given, get, headers = {}, schema }) => {
      const call = of(client, schema).rpc(name, given, { get });
      for (const [header, value] of Object.entries(headers)) call.setHeader(header, value);
      return answered(await call);
    },
    select: async ({ client, table, columns, schema }) => answered(await of(client, schema).from(table).select(columns)),
    insert: async ({ client, table, row, schema }) => answered(await of(client, schema).from(table).insert(row)),
    insertAndRead: async ({ client, table, row }) => answered(await of(client).from(table).insert(row).select().single()),
    upsert: async ({ client, table, row, onConflict }) =>
      answered(await of(client).from(table).upsert(row, { onConflict })),
  },
  (error) => ({ message: error.message, code: error.code, status: error.status }),
);
