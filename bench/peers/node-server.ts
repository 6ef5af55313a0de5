/** One Node peer as a process: `node-server.ts NAME LISTEN BACKEND`. */
import http from 'node:http'
import net from 'node:net'

const [name = '', listenText = '0', backendText = '0'] = process.argv.slice(2)
const listen = Number(listenText)
const backend = Number(backendText)
const target = `http://127.0.0.1:${backend}`

switch (name) {
  case 'http-proxy-3': {
    const { ProxyServer } = await import('http-proxy-3')
    const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
    const proxy = new ProxyServer({ target, agent, xfwd: true })
    http
      .createServer((req, res) => {
        proxy.web(req, res)
      })
      .listen(listen, '127.0.0.1')
    break
  }
  case '@fastify/reply-from': {
    const { default: Fastify } = await import('fastify')
    const { default: replyFrom } = await import('@fastify/reply-from')
    const app = Fastify({ logger: false })
    await app.register(replyFrom, { base: target, undici: { connections: 256, pipelining: 1 } })
    app.all('/*', (request, reply) => reply.from(request.url))
    await app.listen({ port: listen, host: '127.0.0.1' })
    break
  }
  case 'fast-proxy': {
    const { default: fastProxy } = await import('fast-proxy')
    const fast = fastProxy({ base: target, undici: { connections: 256, pipelining: 1 } })
    http
      .createServer((req, res) => {
        fast.proxy(req, res, req.url ?? '/', {})
      })
      .listen(listen, '127.0.0.1')
    break
  }
  case 'httpxy': {
    const { createProxyServer } = await import('httpxy')
    const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
    const proxy = createProxyServer({ target, agent, xfwd: true })
    http
      .createServer((req, res) => {
        void proxy.web(req, res)
      })
      .listen(listen, '127.0.0.1')
    break
  }
  case 'relay':
    net
      .createServer({ noDelay: true }, (client) => {
        const upstream = net.connect({ host: '127.0.0.1', port: backend, noDelay: true })
        client.on('data', (chunk) => upstream.write(chunk))
        upstream.on('data', (chunk) => client.write(chunk))
        const end = (): void => {
          client.destroy()
          upstream.destroy()
        }
        for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
      })
      .listen(listen, '127.0.0.1')
    break
  default:
    console.error(`no such peer: ${name}`)
    process.exit(2)
}
process.once('SIGTERM', () => process.exit(0))
