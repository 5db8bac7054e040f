// Is a silent client closed after one and a half times its keep alive, a fifth of a second later at most?
import { mock } from 'node:test'
import { t } from '../support/tap.ts'
import { TimerWheel } from '../../broker/gate/timer-wheel.ts'
import { embed } from '../plugin/support/embed.ts'
import { connectRaw, issueToken } from '../support/index.ts'

t.test('the wheel calls what is due within two ticks', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  for (const delay of [1, 50, 100, 101, 1499, 1500, 1501, 7_499, 600_000]) {
    // The interval begins at any time of a tick.
    for (const start of [0, 1, 99, 12_345]) {
      let clock = start
      let called: number | undefined
      const wheel = new TimerWheel(() => clock)
      const due = (now: number) => {
        if (now < start + delay) return start + delay
        called = now
        return 0
      }
      wheel.set({ due, slot: undefined }, start + delay)
      while (called === undefined && clock < start + delay + 1000) {
        clock += 100
        mock.timers.tick(100)
      }
      const late = (called ?? Number.POSITIVE_INFINITY) - start - delay
      t.ok(late >= 0 && late <= 200, `${delay} ms from ${start}: ${late} ms late`)
      wheel.stop()
    }
  }
})

t.test('a packet in the meantime moves the time, and no more than that', async (t) => {
  const start = performance.now()
  let elapsed = 0
  const server = await embed(t, { monotonic: () => start + elapsed })
  const open = async (device: string) => {
    const { token } = await issueToken(server, { app: 'chat', device })
    const raw = await connectRaw(t, server.mqttPort)
    await raw.connect({ token, keepalive: 1 })
    return raw
  }
  const speaking = await open('speaking')
  const silent = await open('silent')
  elapsed = 400
  await speaking.ping()
  elapsed = 1_700
  await silent.closed
  await speaking.ping()
  elapsed = 3_400
  await speaking.closed
  t.pass('closed')
})
