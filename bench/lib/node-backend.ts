/** `node-backend.ts BODY PORT…`: answers every request with BODY as JSON. */
import http from 'node:http'

const [body = '{}', ...ports] = process.argv.slice(2)
for (const port of ports) {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    res.end(body)
  })
  server.listen(Number(port), '127.0.0.1')
}
process.once('SIGTERM', () => process.exit(0))
