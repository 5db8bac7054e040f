/**
 * A back end whose calls are typed by what the server says of itself.
 *
 *   npx openapi-typescript http://127.0.0.1:8080/openapi.json -o examples/push-api.d.ts
 *   npx tsc --noEmit --checkJs --strict --target esnext --module nodenext --types node examples/openapi.mjs
 *   KEY=... node examples/openapi.mjs
 */
const { PUSH_URL = 'http://127.0.0.1:8080', KEY } = process.env

/**
 * @typedef {import('./push-api.d.ts').paths} Paths
 * @typedef {Paths['/v1/tokens']['post']} IssueToken
 * @typedef {Paths['/v1/messages']['post']} Send
 */

/** @type {(request: IssueToken['requestBody']['content']['application/json']) => Promise<IssueToken['responses'][201]['content']['application/json']>} */
const issueToken = (request) => post('/v1/tokens', request)

/** @type {(request: Send['requestBody']['content']['application/json']) => Promise<Send['responses'][202]['content']['application/json']>} */
const send = (request) => post('/v1/messages', request)

/** @param {keyof Paths} path @param {object} body */
async function post(path, body) {
  const response = await fetch(PUSH_URL + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.code}: ${answer.title}`)
  return answer
}

const { tokenId } = await issueToken({ app: 'chat', device: 'phone-1', account: 'ada' })
const { accepted, rejected } = await send({
  to: { token: tokenId },
  payload: { text: 'Your order is on its way' },
  id: 'order-1043-shipped',
})
console.log(accepted === 1 ? 'stored' : `rejected: ${rejected[0]?.code}`)
