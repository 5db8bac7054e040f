// Does a page of another origin in Chromium listen through nginx with its defaults, and go on after the server was killed?
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { issueToken, lookup, request, send } from '../../support/api.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { freePort } from '../../support/ports.ts'
import { startProgram } from '../../support/programs.ts'
import type { Scope } from '../../support/scope.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { ArrivalQueue, eventually } from '../../support/waiting.ts'

const found = (...paths: string[]) => paths.find((path) => existsSync(path))
const nginx = found('/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx')
const chromium = found('/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome')
const missing = [nginx === undefined ? 'nginx' : '', chromium === undefined ? 'Chromium' : '']
  .filter(Boolean)
  .join(', ')

/** As docs/http.md has it, with a report of what came. */
const page = (api: string, token: string) => `<!doctype html><script type="module">
const api = ${JSON.stringify(api)}, token = ${JSON.stringify(token)}
const report = (text) => fetch('/report', { method: 'POST', body: text })
const headers = { authorization: 'Bearer ' + token }
let last = ''
async function listen() {
  const answer = await fetch(api + '/v1/messages/stream', { method: 'POST', headers })
  if (!answer.ok) throw new Error((await answer.json()).code)
  const { ticket } = await answer.json()
  const source = new EventSource(api + '/v1/messages/stream?' + new URLSearchParams({ ticket, ack: 'auto', lastEventId: last }))
  source.onmessage = ({ data, lastEventId }) => {
    last = lastEventId
    report('message ' + JSON.parse(data).payload)
  }
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) again()
  }
}
const again = () => setTimeout(() => listen().catch(again), 500)
listen().catch((error) => report('failed ' + error).then(again))
const wrong = await fetch(api + '/v1/messages', { headers: { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.AA' } })
await report('refused ' + (await wrong.json()).code)
</script>`

/** At an origin of its own. */
async function servePage(t: Scope) {
  const reports = new ArrivalQueue<string>('a report of the page')
  let html = ''
  const server = createServer((incoming, outgoing) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    incoming.on('end', () => {
      if (incoming.method === 'POST') reports.push(body)
      outgoing.setHeader('content-type', 'text/html')
      outgoing.end(incoming.url === '/' ? html : '')
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { origin: `http://localhost:${port}`, reports, show: (text: string) => void (html = text) }
}

/** What a distribution has, and nothing about streams. */
async function startNginx(t: Scope, program: string, upstream: number): Promise<number> {
  const folder = temporaryFolder(t, 'nginx')
  const port = await freePort()
  mkdirSync(join(folder, 'logs'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const server = `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } }`
  const http = `http { access_log off; gzip on; ${paths.join(' ')} ${server} }`
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `daemon off; pid ${folder}/pid; error_log stderr; events { worker_connections 768; } ${http}`)
  startProgram(t, program, ['-p', folder, '-c', file, '-e', 'stderr'], { ownGroup: true })
  await eventually('nginx', async () => {
    const answer = await request({ httpPort: port, providerKey: '' }, 'GET', '/healthz')
    return answer.status === 200
  })
  return port
}

await t.test('a page', { skip: missing === '' ? false : `${missing} is not installed here` }, async (t) => {
  const shown = await servePage(t)
  const server = await startServerProcess(t, { settings: { PUSH_CORS_ORIGINS: shown.origin, PUSH_LOG_LEVEL: 'debug' } })
  const port = await startNginx(t, nginx ?? '', server.httpPort)
  const { token } = await issueToken(server, { app: 'chat', device: 'page', version: '1.0.0' })
  await send(server, { token }, 'pending')
  shown.show(page(`http://127.0.0.1:${port}`, token))
  const profile = temporaryFolder(t, 'chromium')
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const run = [...flags, `--user-data-dir=${profile}`, '--remote-debugging-port=0', `${shown.origin}/`]
  startProgram(t, chromium ?? '', run, { ownGroup: true, env: { HOME: profile } })

  const first = await shown.reports.nextN(2, 120_000)
  t.same(first.toSorted(), ['message pending', 'refused TOKEN_INVALID'], 'it reads answers and errors')
  await send(server, { app: 'chat', versions: '*' }, 'as it comes')
  t.equal(await shown.reports.next(), 'message as it comes', 'nothing on the way gathers it')

  await server.kill('SIGKILL')
  await server.restart()
  await send(server, { token }, 'after a kill')
  t.equal(await shown.reports.next(60_000), 'message after a kill', 'it comes back, and nothing comes twice')
  const { messages } = await lookup(server, token)
  t.match(messages, [{ payload: 'after a kill' }], 'what came before is acknowledged by coming back')
  t.notOk(
    server.logs.some((line) => line.includes('ticket=')),
    'no ticket is logged',
  )
})
