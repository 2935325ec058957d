// Drains no-op jobs with graphile-worker and its local queue, as its documentation sets it up for speed.
// Prints one JSON line: {"peer", "jobs", "jobs_per_second"}.
//     node graphile_drain.mjs 200000 postgresql://…   (an empty database, which is written to)
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const [count = '200000', connectionString] = process.argv.slice(2);
const jobs = Number(count);
const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();
await utils.release();
const client = new pg.Client(connectionString);
await client.connect();
// In parts: one statement of 200,000 takes minutes. Without the analysis, so does what follows.
for (let first = 1; first <= jobs; first += 5_000) {
  await client.query(
    `select graphile_worker.add_job('noop', json_build_object('n', i)) from generate_series($1::int, $2::int) as i`,
    [first, Math.min(first + 4_999, jobs)],
  );
  await client.query('vacuum analyze');
}
await client.end();

let done = 0;
const start = performance.now();
await run({
  connectionString,
  concurrency: 24,
  noHandleSignals: true,
  logger: new Logger(() => () => {}),
  taskList: {
    noop: async () => {
      done += 1;
      if (done === jobs) {
        const seconds = (performance.now() - start) / 1000;
        console.log(JSON.stringify({ peer: 'graphile-worker', jobs, jobs_per_second: Math.round(jobs / seconds) }));
        process.exit(0);
      }
    },
  },
  preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
});
