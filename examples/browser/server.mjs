/**
 * A page that receives messages, and its back end.
 *
 *   npm start -- --cors-origins http://127.0.0.1:3000
 *   KEY=$(cat data/provider.key) node examples/browser/server.mjs
 *
 * Then open http://127.0.0.1:3000.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { PUSH_URL = 'http://127.0.0.1:8080', KEY, PORT = '3000' } = process.env
/** The client runs in a browser as it is installed. */
const CLIENT = new URL('.', import.meta.resolve('aedes-push/client'))

/** Your own session says who is logged in. The provider key stays here: no page gets it. */
async function issueToken() {
  const answer = await fetch(`${PUSH_URL}/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ app: 'shop', device: randomUUID(), account: 'ada' }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return { url: PUSH_URL, token: (await answer.json()).token }
}

const server = createServer((request, response) => {
  const send = (type, content) => response.writeHead(200, { 'content-type': type }).end(content)
  const [, file] = /^\/client\/([a-z-]+\.js)$/.exec(request.url) ?? []
  if (request.method === 'POST' && request.url === '/token')
    issueToken().then(
      (answer) => send('application/json', JSON.stringify(answer)),
      (error) => response.writeHead(502).end(error.message),
    )
  else if (file !== undefined) send('text/javascript', readFileSync(new URL(file, CLIENT)))
  else if (request.url === '/') send('text/html', readFileSync(new URL('index.html', import.meta.url)))
  else response.writeHead(404).end()
})

server.listen(Number(PORT), '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`))
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
