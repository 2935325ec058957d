// FCM and APNs as seen from afar: HTTP/2 over TLS, an answer after a fixed time, so many streams a connection.
//   node provider_sink.mjs --cert cert.pem --key key.pem --latency-ms 60 --streams 100
// Says on which port it listens, and GET /stats says how much it took over how many connections.
import fs from 'node:fs'
import http2 from 'node:http2'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    'latency-ms': { type: 'string', default: '60' },
    streams: { type: 'string', default: '100' },
  },
})
const latency = Number(options['latency-ms'])
let accepted = 0
let connections = 0

function answer(stream, headers) {
  if (stream.destroyed) return
  const json = { ':status': 200, 'content-type': 'application/json' }
  if (headers[':path'] === '/stats') {
    stream.respond(json)
    stream.end(JSON.stringify({ accepted, connections }))
    return
  }
  accepted += 1
  if (headers[':path'].startsWith('/3/device/')) {
    stream.respond({ ':status': 200, 'apns-id': headers['apns-id'] ?? '' }, { endStream: true })
    return
  }
  stream.respond(json)
  stream.end(JSON.stringify({ name: `projects/p/messages/${accepted}` }))
}

const server = http2.createSecureServer({
  cert: fs.readFileSync(options.cert),
  key: fs.readFileSync(options.key),
  settings: { maxConcurrentStreams: Number(options.streams) },
})
server.on('session', () => { connections += 1 })
server.on('stream', (stream, headers) => {
  // A client that goes away is none of its business.
  stream.on('error', () => {})
  stream.resume()
  stream.on('end', () => setTimeout(answer, latency, stream, headers))
})
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port }))
})
