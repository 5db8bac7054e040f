// With one mosquitto.conf on two nodes and one Redis, does a team find its rules, sessions and retained messages on either?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ann,
  bob,
  connect,
  eventually,
  freePort,
  MAIN,
  mosquittoPub,
  mosquittoSub,
  passwordFile,
  type Program,
  type Scope,
  startProgram,
  startRedis,
  temporaryFolder,
} from '../../support/index.ts'
import { t } from '../../support/tap.ts'

interface Node {
  readonly mqttPort: number
  readonly httpPort: number
  readonly program: Program
}

const ACL = 'user ann\ntopic readwrite home/#\ntopic read $SYS/broker/#\nuser bob\ntopic read home/+/temperature\n'

async function startNode(t: Scope, redis: string, passwords: string): Promise<Node> {
  const folder = temporaryFolder(t, 'node')
  const port = await freePort()
  const acl = join(folder, 'acl')
  writeFileSync(acl, ACL, { mode: 0o600 })
  const path = join(folder, 'mosquitto.conf')
  writeFileSync(
    path,
    `listener ${port} 127.0.0.1\nuser root\npassword_file ${passwords}\nacl_file ${acl}\npersistence true\nsys_interval 1\n`,
  )
  const program = startProgram(t, process.execPath, [MAIN, 'mosquitto', '-c', path], {
    env: { PUSH_REDIS_URL: redis, PUSH_DATA_DIR: join(folder, 'data') },
  })
  await program.stdout.next()
  return { mqttPort: port, httpPort: 0, program }
}

const as = ({ username, password }: typeof ann): string[] => ['-u', username, '-P', password]

await t.test('two nodes', async (t) => {
  const { url } = await startRedis(t)
  const passwords = passwordFile(t)
  const [first, second] = [await startNode(t, url, passwords), await startNode(t, url, passwords)] as const

  await t.test('a session that is kept is found on the other node, with what it missed', async (t) => {
    const kept = ['-i', 'display', '-c', '-q', '1', '-t', 'home/#', ...as(ann)]
    const display = await mosquittoSub(t, first, ...kept)
    await mosquittoPub(t, second, '-t', 'home/hall/temperature', '-m', '20', '-q', '1', ...as(ann))
    t.match(await display.next(), { topic: 'home/hall/temperature', payload: '20' })
    await display.stop()
    for (let at = 0; at < 20; at++)
      await mosquittoPub(
        t,
        at % 2 === 0 ? first : second,
        '-t',
        'home/hall/light',
        '-m',
        `${at}`,
        '-q',
        '1',
        ...as(ann),
      )
    const again = await mosquittoSub(t, second, ...kept)
    const payloads = (await again.nextN(20)).map(({ payload }) => Number(payload))
    t.same(
      payloads,
      Array.from({ length: 20 }, (_, at) => at),
    )
    await again.stop()
  })

  await t.test('a client id is on one node at a time', async (t) => {
    const here = await connect(t, first, ann, { clientId: 'phone' })
    const there = await connect(t, second, ann, { clientId: 'phone' })
    await here.closed
    await there.end()
  })

  await t.test('rules hold for what comes from the other node', async (t) => {
    await mosquittoPub(t, first, '-t', 'home/attic/temperature', '-m', '30', '-q', '1', '-r', ...as(ann))
    await mosquittoPub(t, first, '-t', 'home/attic/alarm', '-m', 'secret', '-q', '1', '-r', ...as(ann))
    const guest = await mosquittoSub(t, second, '-q', '1', '-t', 'home/attic/#', ...as(bob))
    t.match(await guest.next(), { topic: 'home/attic/temperature', payload: '30', retain: 1 })
    await mosquittoPub(t, first, '-t', 'home/attic/alarm', '-m', 'secret', '-q', '1', ...as(ann))
    await mosquittoPub(t, first, '-t', 'home/attic/temperature', '-m', '31', '-q', '1', ...as(ann))
    t.match(await guest.next(), { payload: '31' }, 'and nothing else')
    await t.rejects(connect(t, second, { username: 'ann', password: 'wrong' }), { code: 0x87 })
  })

  await t.test('what a node that is killed has acknowledged is on the other one', async (t) => {
    const kept = ['-i', 'logger', '-c', '-q', '1', '-t', 'home/log', ...as(ann)]
    await (await mosquittoSub(t, first, ...kept)).stop()
    for (let at = 0; at < 20; at++) await mosquittoPub(t, first, '-t', 'home/log', '-m', `${at}`, '-q', '1', ...as(ann))
    await first.program.kill('SIGKILL')
    const logger = await mosquittoSub(t, second, ...kept)
    const payloads = (await logger.nextN(20)).map(({ payload }) => Number(payload))
    t.same(
      payloads,
      Array.from({ length: 20 }, (_, at) => at),
    )
    const panel = await mosquittoSub(t, second, '-t', '$SYS/broker/clients/connected', ...as(ann))
    await eventually('the node counts its own clients', () =>
      panel.messages.received.some(({ payload }) => Number(payload) === 2),
    )
  })
})
