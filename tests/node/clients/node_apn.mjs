// Drives @parse/node-apn; its own options name the stand-in.

import apn from '@parse/node-apn';
import { obey, withClockBehind } from './lines.mjs';

/** A failure without its Error, which is no JSON. */
const describe = ({ error, ...rest }) => (error ? { ...rest, error: error.message } : rest);

await obey(
  {
    async send({ options, notification, devices, clockBehind }) {
      return await withClockBehind(clockBehind, async () => {
        const provider = new apn.Provider(options);
        try {
          const { sent, failed } = await provider.send(new apn.Notification(notification), devices);
          return { sent, failed: failed.map(describe) };
        } finally {
          await new Promise((resolve) => provider.shutdown(resolve));
        }
      });
    },
  },
  (error) => ({ message: error.message }),
);
