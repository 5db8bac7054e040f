/** An endpoint of Web Push leads to one token id, for as long as its tokens hold, and for one application server. */
import { createECDH, createPrivateKey, type ECDH, sign } from 'node:crypto'
import { Refusal } from '../ask.ts'
import { type Check, swapped } from './check.ts'
import type { Names, Person, World } from './world.ts'

/** What is sealed begins with it; the token id is next. */
const TAG_BYTES = 16

export const webPush: Check = {
  name: 'Web Push: endpoints of another, of another application server, and ended ones',
  async run(world) {
    const hal = await issue(world, 'Hal', { device: 'w-1', account: 'hal' }).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'WEB_PUSH_OFF') return undefined
      throw error
    })
    if (hal === undefined) return 'the server has no PUSH_PUBLIC_URL'
    const ida = await issue(world, 'Ida', { device: 'w-2', account: 'ida' })
    const connected = [
      [hal, await world.join(hal)],
      [ida, await world.join(ida)],
    ] as const
    if (hal.endpoint === ida.endpoint) world.ledger.leak('two people have the same Web Push endpoint')
    const { status, headers } = await post(world, hal.endpoint, 'a Web Push message to Hal', [hal.who])
    world.ledger.count += 1
    if (status !== 201) throw new Error(`a Web Push message was answered ${status}`)
    await refuses(world, 'a Web Push endpoint with one other letter', swapped(hal.endpoint ?? ''))
    await refuses(world, 'a Web Push endpoint of Hal that was turned into one of Ida', turned(hal, ida))
    await world.refuses('the address of a Web Push message with one other letter took one back', async () => {
      const { pathname } = new URL(swapped(headers.get('location') ?? ''))
      const answer = await fetch(`${world.options.url}${pathname}`, { method: 'DELETE' })
      refused(answer)
    })
    await ofOneServer(world)
    await world.settle(connected)
    await ended(world, hal)
    return undefined
  },
}

function issue(world: World, who: string, names: Names): Promise<Person> {
  return world.issue(who, { webPush: {}, ...names })
}

/** Whoever has both can do this where what is sealed is not signed as well: a cipher of a stream keeps each bit in its place. */
function turned({ endpoint = '', tokenId }: Person, other: Person): string {
  const { origin, pathname } = new URL(endpoint)
  const at = pathname.lastIndexOf('/') + 1
  const sealed = Buffer.from(pathname.slice(at), 'base64url')
  const [from, to] = [Buffer.from(tokenId, 'base64url'), Buffer.from(other.tokenId, 'base64url')]
  for (const [i, byte] of from.entries()) sealed[TAG_BYTES + i] = (sealed[TAG_BYTES + i] ?? 0) ^ byte ^ (to[i] ?? 0)
  return `${origin}${pathname.slice(0, at)}${sealed.toString('base64url')}`
}

/** With a VAPID key, the endpoint is for whoever has signed with it. */
async function ofOneServer(world: World): Promise<void> {
  const [owner, stranger] = [newKey(), newKey()]
  const names = { device: 'w-3', account: 'jo', webPush: { vapidKey: owner.getPublicKey('base64url') } }
  const jo = await issue(world, 'Jo', names)
  const { endpoint = '' } = jo
  const what = 'a Web Push endpoint of one application server'
  await refuses(world, `${what}, without its key,`, endpoint)
  await refuses(world, `${what}, with the key of another,`, endpoint, vapid(stranger, stranger, endpoint))
  await refuses(world, `${what}, signed by another,`, endpoint, vapid(owner, stranger, endpoint))
  const { status } = await post(world, endpoint, 'a Web Push message to Jo', [jo.who], vapid(owner, owner, endpoint))
  if (status !== 201) throw new Error(`a Web Push message of its application server was answered ${status}`)
  await world.settle([[jo, await world.join(jo)]])
}

/** A revocation ends it, and nobody who comes to the device later gets what is sent to it. */
async function ended(world: World, hal: Person): Promise<void> {
  const { app, version } = hal
  const liv = await issue(world, 'Liv, who logged in on the device of Hal', { device: 'w-1', account: 'liv' })
  await refuses(world, 'the Web Push endpoint of Hal after Liv had logged in', hal.endpoint)
  await world.ask('DELETE', `/v1/tokens/${liv.tokenId}`)
  await refuses(world, 'the Web Push endpoint of a revoked token', liv.endpoint)
  const again = await issue(world, liv.who, { app, version, device: 'w-1', account: 'liv' })
  await refuses(world, 'the Web Push endpoint from before a revocation', liv.endpoint)
  await world.settle([[again, await world.join(again)]])
}

async function refuses(world: World, what: string, endpoint: string | undefined, authorization = ''): Promise<void> {
  await world.refuses(`${what} took a message`, async () => {
    refused(await post(world, endpoint, `what was sent through ${what}`, [], authorization))
  })
}

/** @throws Refusal */
function refused({ status }: Response): void {
  if (status >= 400) throw new Refusal(1, status, undefined, 'it is refused')
}

/** At the address of the server that is asked, whatever others call it. */
async function post(
  world: World,
  endpoint: string | undefined,
  what: string,
  allowed: readonly string[],
  authorization = '',
): Promise<Response> {
  const { pathname } = new URL(endpoint ?? '')
  return await fetch(`${world.options.url}${pathname}`, {
    method: 'POST',
    headers: { ttl: '60', 'content-encoding': 'aes128gcm', ...(authorization === '' ? {} : { authorization }) },
    body: world.ledger.payload(what, allowed),
  })
}

function newKey(): ECDH {
  const key = createECDH('prime256v1')
  key.generateKeys()
  return key
}

/** RFC 8292 section 3. */
function vapid(named: ECDH, signer: ECDH, endpoint: string): string {
  const { origin } = new URL(endpoint)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  const signed = `${encode({ typ: 'JWT', alg: 'ES256' })}.${encode({ aud: origin, exp, sub: 'mailto:verify@example.com' })}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKeyOf(signer), dsaEncoding: 'ieee-p1363' })
  return `vapid t=${signed}.${signature.toString('base64url')}, k=${named.getPublicKey('base64url')}`
}

function privateKeyOf(key: ECDH) {
  const point = key.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'))
  const d = key.getPrivateKey('base64url').padStart(43, 'A')
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d }, format: 'jwk' })
}
