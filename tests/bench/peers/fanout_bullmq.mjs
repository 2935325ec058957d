// Sends pushes with BullMQ on Redis and a worker that speaks HTTP/2: a job a device, no record of what was sent.
// Prints one JSON line: {"peer", "pushes", "pushes_per_second", "worker_cpu_us_per_push"}.
//     node fanout_bullmq.mjs 60000 --redis 6390 --provider https://localhost:9443 --ca ca.pem
import fs from 'node:fs';
import http2 from 'node:http2';
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';

const { values: options, positionals: [count = '60000'] } = parseArgs({
  allowPositionals: true,
  options: {
    redis: { type: 'string', default: '6390' },
    provider: { type: 'string', default: 'https://localhost:9443' },
    ca: { type: 'string' },
    connections: { type: 'string', default: '12' },
    'in-flight': { type: 'string', default: '1200' },
  },
});
const pushes = Number(count);
const connection = { host: '127.0.0.1', port: Number(options.redis), maxRetriesPerRequest: null };
const links = Array.from({ length: Number(options.connections) }, () =>
  http2.connect(options.provider, { ca: fs.readFileSync(options.ca) }),
);

const token = (i) => 't'.repeat(150) + String(i).padStart(10, '0');
const body = (t) => JSON.stringify({
  message: {
    token: t,
    notification: { title: 'New message', body: 'Hello there, is the R34 still for sale?' },
    data: { url: 'gtr-marketplace://messages/1', id: '1' },
    android: { priority: 'HIGH', ttl: '3600s', notification: { tag: 'abc' } },
  },
});

let turn = 0;
const send = (t) => new Promise((resolve, reject) => {
  const request = links[turn++ % links.length].request({
    ':method': 'POST',
    ':path': '/v1/projects/p/messages:send',
    authorization: 'Bearer ' + 'a'.repeat(200),
    'content-type': 'application/json',
  });
  let status, text = '';
  request.on('response', (headers) => { status = headers[':status']; });
  request.on('data', (chunk) => { text += chunk; });
  request.on('end', () => (status === 200 ? resolve(JSON.parse(text).name) : reject(new Error(String(status)))));
  request.on('error', reject);
  request.end(body(t));
});

const queue = new Queue('fanout', { connection });
await queue.obliterate({ force: true }).catch(() => {});
const opts = { removeOnComplete: true, attempts: 5, backoff: { type: 'exponential', delay: 1000 } };
for (let i = 0; i < pushes; i += 1000) {
  const size = Math.min(1000, pushes - i);
  await queue.addBulk(Array.from({ length: size }, (_, j) => ({ name: 'push', data: { token: token(i + j) }, opts })));
}

let done = 0;
const start = performance.now();
const cpu = process.cpuUsage();
new Worker('fanout', async (job) => {
  await send(job.data.token);
  done += 1;
  if (done === pushes) {
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    console.log(JSON.stringify({
      peer: 'bullmq',
      pushes,
      pushes_per_second: Math.round(pushes / seconds),
      worker_cpu_us_per_push: Math.round((user + system) / pushes),
    }));
    process.exit(0);
  }
}, { connection, concurrency: Number(options['in-flight']) });
