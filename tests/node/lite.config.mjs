// What `lite start` runs with; everything comes from the environment.

import { createPostgresConnection } from '@supabase/lite/postgres';

const { LITE_DATABASE_URL, LITE_SCHEMAS, LITE_PORT, LITE_JWT_SECRET, LITE_PUBLISHABLE_KEY, LITE_SECRET_KEY } = process.env;

// Lite hands JSON to its driver as text, and by default the driver would make a JSON string of that text.
const text = { serialize: (value) => (typeof value === 'string' ? value : JSON.stringify(value)), parse: JSON.parse };

export default {
  project_id: 'gtr',
  api: { port: Number(LITE_PORT), schemas: LITE_SCHEMAS.split(',') },
  auth: {
    jwt_secret: LITE_JWT_SECRET,
    publishable_key: LITE_PUBLISHABLE_KEY,
    secret_key: LITE_SECRET_KEY,
    email: { enable_confirmations: false },
  },
  connection: createPostgresConnection({
    url: LITE_DATABASE_URL,
    postgresOptions: { types: { json: { to: 114, from: [114], ...text }, jsonb: { to: 3802, from: [3802], ...text } } },
  }),
};
