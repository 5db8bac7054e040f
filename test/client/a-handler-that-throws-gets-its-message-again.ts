// Does a message whose handler throws come again, before those after it, until it is given up, and is none lost on the way?
import { eventually, issueToken, lookup, send, startServer } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

const server = await startServer(t)
let devices = 0
const device = async () => await issueToken(server, { app: 'chat', device: `phone-${(devices += 1)}` })

for (const transport of ['stream', 'poll'] as const)
  await t.test(`${transport}: it succeeds the second time`, async (t) => {
    const { token, tokenId } = await device()
    const attempts: string[] = []
    const { errors, texts } = startListening(t, server, {
      token,
      transport,
      onMessage({ text }, { attempt }) {
        attempts.push(`${text} ${attempt}`)
        if (text === 'one' && attempt < 3) throw new Error('the disk is full')
      },
    })
    await send(server, { token: tokenId }, 'one')
    await send(server, { token: tokenId }, 'two')
    t.same(await texts(2), ['one', 'two'])
    t.same(attempts, ['one 1', 'one 2', 'one 3', 'two 1'])
    t.match(errors.received, [
      { code: 'HANDLER_FAILED', cause: { message: 'the disk is full' } },
      { code: 'HANDLER_FAILED' },
    ])
    await eventually('nothing pending', async () => (await lookup(server, token)).messages.length === 0)
  })

await t.test('a promise that is rejected counts the same, and nothing is acknowledged before', async (t) => {
  const { token, tokenId } = await device()
  const { errors, listener } = startListening(t, server, { token, onMessage: () => Promise.reject(new Error('no')) })
  await send(server, { token: tokenId }, 'one')
  await errors.nextN(2)
  t.equal((await lookup(server, token)).messages.length, 1)
  await listener.close()
  t.equal((await lookup(server, token)).messages.length, 1, 'nor by closing')
  const { texts } = startListening(t, server, { token })
  t.same(await texts(1), ['one'], 'the next client gets it')
})

await t.test('it is given up', async (t) => {
  const { token, tokenId } = await device()
  const aside: string[] = []
  let isFull = true
  const { errors, texts } = startListening(t, server, {
    token,
    attempts: 1,
    onMessage({ text }) {
      if (text === 'poison') throw new Error('what is that')
    },
    onGiveUp({ text }, { code }) {
      if (isFull) throw new Error('no room to put it aside')
      aside.push(`${text} ${code}`)
    },
  })
  await send(server, { token: tokenId }, 'poison')
  await send(server, { token: tokenId }, 'medicine')
  await errors.nextWhere(({ code }) => code === 'CALLBACK_FAILED')
  t.equal((await lookup(server, token)).messages.length, 2, 'what could not be put aside is not acknowledged')
  isFull = false
  t.same(await texts(1), ['medicine'])
  t.same(aside, ['poison HANDLER_FAILED'])
  await eventually('nothing pending', async () => (await lookup(server, token)).messages.length === 0)
})

await t.test('a handler that runs while the client closes is waited for', async (t) => {
  const { token, tokenId } = await device()
  let finish = () => {}
  let begun = () => {}
  const began = new Promise<void>((resolve) => (begun = resolve))
  const { listener } = startListening(t, server, {
    token,
    async onMessage(_message, { signal }) {
      const finished = new Promise<void>((resolve) => (finish = resolve))
      signal.addEventListener('abort', () => finish())
      begun()
      await finished
    },
  })
  await send(server, { token: tokenId }, 'slow')
  await began
  await listener.close()
  t.same((await lookup(server, token)).messages, [], 'and acknowledged')
})

await t.test('callbacks that fail do no harm', async (t) => {
  const { token, tokenId } = await device()
  const fails = () => {
    throw new Error('oops')
  }
  const { texts } = startListening(t, server, {
    token,
    seen: { has: fails, add: fails },
    onError: fails,
  })
  await send(server, { token: tokenId }, 'one')
  t.same(await texts(1), ['one'])
})
