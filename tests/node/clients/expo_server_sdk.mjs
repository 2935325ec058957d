// Drives expo-server-sdk; EXPO_BASE_URL and NODE_EXTRA_CA_CERTS point it at the stand-in.

import { Expo } from 'expo-server-sdk';
import { obey } from './lines.mjs';

const open = (accessToken) => new Expo({ accessToken, retryMinTimeout: 10 });

await obey(
  {
    isToken: ({ token }) => Expo.isExpoPushToken(token),
    send: ({ messages, accessToken }) => open(accessToken).sendPushNotificationsAsync(messages),
    async sendInChunks({ messages }) {
      const expo = open();
      const chunks = expo.chunkPushNotifications(messages);
      return await Promise.all(chunks.map((chunk) => expo.sendPushNotificationsAsync(chunk)));
    },
    readReceipts: ({ ids, accessToken }) => open(accessToken).getPushNotificationReceiptsAsync(ids),
    async readReceiptsInChunks({ ids }) {
      const expo = open();
      const chunks = expo.chunkPushNotificationReceiptIds(ids);
      return await Promise.all(chunks.map((chunk) => expo.getPushNotificationReceiptsAsync(chunk)));
    },
  },
  (error) => ({ message: error.message, ...error }),
);
