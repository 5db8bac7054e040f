// With configurations like those that people have, may each client do what Mosquitto lets it do, and no more?
import { t } from '../../support/tap.ts'
import { ann, ANN_LINE, bob, connect, eventually, passwordFile, type Scope } from '../../support/index.ts'
import { readFileSync } from 'node:fs'
import { type Served, serveText } from './support/serve.ts'

const PASSWORDS = readFileSync(passwordFile(t), 'utf8')
const ACL = `topic read public/#
user ann
topic readwrite home/#
topic read $SYS/#
pattern write clients/%c/state`
const WRONG = { username: 'ann', password: 'nonsense' }
const ANY = { username: 'whoever', password: 'whatever' }
const NOBODY = {}

type Who = typeof ann | typeof NOBODY

interface Case {
  readonly name: string
  readonly text: string
  readonly files?: Record<string, string>
  /** By port: who is let in, and who is refused. */
  readonly lets: readonly (readonly [port: 1 | 2, in_: readonly Who[], out: readonly Who[]])[]
}

const LISTENER = 'listener PORT1 127.0.0.1\n'
const TWO = `${LISTENER}FIRST\nlistener PORT2 127.0.0.1\nSECOND\n`
const FILES = { passwords: PASSWORDS, acl: ACL }
const FILE = 'password_file FOLDER/passwords'

const CASES: readonly Case[] = [
  {
    name: 'a listener alone lets nobody in',
    text: LISTENER,
    lets: [[1, [], [NOBODY, ANY, ann]]],
  },
  {
    name: 'the one of most guides: a listener, anonymous clients, persistence and a log file',
    text: `# Config\nlistener PORT1\n\nallow_anonymous true\npersistence true\npersistence_location FOLDER/\nlog_dest file FOLDER/mosquitto.log\nlog_dest stdout\nlog_type none\n`,
    lets: [[1, [NOBODY, ANY], []]],
  },
  {
    name: 'a password file',
    text: `${LISTENER}allow_anonymous false\n${FILE}`,
    files: FILES,
    lets: [[1, [ann, bob], [NOBODY, ANY, WRONG]]],
  },
  {
    name: 'a password file, without a word on anonymous clients',
    text: `${FILE}\n${LISTENER}`,
    files: FILES,
    lets: [[1, [ann], [NOBODY, WRONG]]],
  },
  {
    name: 'a password file and anonymous clients: a name must be right, none is needed',
    text: `${FILE}\nallow_anonymous true\n${LISTENER}`,
    files: FILES,
    lets: [[1, [ann, NOBODY], [ANY, WRONG]]],
  },
  {
    name: 'port, as in files of 1.x',
    text: `port PORT1\nbind_address 127.0.0.1\nallow_anonymous true\nmax_connections -1`,
    lets: [[1, [NOBODY], []]],
  },
  {
    name: 'CRLF, and a # in the middle of a line that belongs to the value',
    text: `listener PORT1 127.0.0.1\r\nallow_anonymous true # for now\r\n`,
    lets: [[1, [NOBODY], []]],
  },
  {
    name: 'allow_anonymous in a listener is for all',
    text: TWO.replace('FIRST', 'allow_anonymous true').replace('SECOND', ''),
    lets: [
      [1, [NOBODY], []],
      [2, [NOBODY], []],
    ],
  },
  {
    name: 'listener_allow_anonymous is for one',
    text: TWO.replace('FIRST', 'listener_allow_anonymous true').replace('SECOND', FILE),
    files: FILES,
    lets: [
      [1, [NOBODY, ann], [ANY]],
      [2, [ann], [NOBODY]],
    ],
  },
  {
    name: 'per listener: one with a password file, one for everybody',
    text: `per_listener_settings true\n${TWO.replace('FIRST', `allow_anonymous false\n${FILE}`).replace('SECOND', 'allow_anonymous true')}`,
    files: FILES,
    lets: [
      [1, [ann], [NOBODY, ANY]],
      [2, [NOBODY, ANY, WRONG], []],
    ],
  },
  {
    name: 'per listener: what the second does not say is not said by the first',
    text: `per_listener_settings true\n${TWO.replace('FIRST', `allow_anonymous true\n${FILE}`).replace('SECOND', '')}`,
    files: FILES,
    lets: [
      [1, [ann, NOBODY], [ANY]],
      [2, [], [NOBODY, ann]],
    ],
  },
  {
    name: 'per listener: both families of addresses at one port, each with its own users',
    text: 'per_listener_settings true\nlistener PORT1\nsocket_domain ipv4\nallow_anonymous true\nlistener PORT1\nsocket_domain ipv6\nallow_anonymous false\n',
    lets: [[1, [NOBODY], []]],
  },
  {
    name: 'an empty password file, and no anonymous clients',
    text: `${LISTENER}${FILE}`,
    files: { passwords: '# nobody yet\n' },
    lets: [[1, [], [NOBODY, ann]]],
  },
  {
    name: 'only MQTT 3.1.1 and 5',
    text: `${LISTENER}allow_anonymous true\naccept_protocol_versions 4, 5`,
    lets: [[1, [NOBODY], []]],
  },
  {
    name: 'the plugin in place of the option',
    text: `${LISTENER}plugin /usr/lib/x86_64-linux-gnu/mosquitto_password_file.so\nplugin_opt_password_file FOLDER/passwords`,
    files: FILES,
    lets: [[1, [ann], [NOBODY, ANY]]],
  },
  {
    name: 'limits as of Home Assistant',
    text: `${LISTENER}allow_anonymous true\nmax_queued_messages 8192\nmax_inflight_messages 0\nmessage_size_limit 0\npersistent_client_expiration 14d`,
    lets: [[1, [NOBODY], []]],
  },
  {
    name: 'a user name that is the client id',
    text: `${LISTENER}${FILE}\nuse_username_as_clientid true`,
    files: FILES,
    lets: [[1, [ann], [NOBODY]]],
  },
]

for (const { name, text, files = {}, lets } of CASES)
  await t.test(name, async (t) => {
    const served = await serveText(t, text, files)
    for (const [port, wanted, others] of lets) {
      for (const who of wanted) await t.resolves(enter(t, served, port, who), `port ${port}: ${nameOf(who)} is let in`)
      for (const who of others)
        await t.rejects(enter(t, served, port, who, 4), { code: 5 }, `port ${port}: ${nameOf(who)} is refused`)
    }
    await served.close()
  })

await t.test('an ACL file: what is not granted is silent', async (t) => {
  const served = await serveText(t, `${LISTENER}allow_anonymous true\n${FILE}\nacl_file FOLDER/acl`, FILES)
  const guest = await open(t, served, NOBODY, 'guest')
  const user = await open(t, served, ann, 'phone')
  const other = await open(t, served, bob, 'bobs')
  t.same(await guest.subscribe('#'), [1], 'a subscription is granted')
  t.same(await other.subscribe('#'), [1])
  await user.subscribe('#')
  await user.publish('home/light', 'on')
  t.equal((await user.next()).text, 'on', 'who may read hears it')
  await t.rejects(guest.publish('home/light', 'off'), { code: 0x87 }, 'who may not write is told')
  await t.rejects(
    user.publish('public/news', 'x'),
    { code: 0x87 },
    'rules for clients without a name are not for users',
  )
  await user.publish('clients/phone/state', 'here')
  await t.rejects(user.publish('clients/bobs/state', 'x'), { code: 0x87 }, 'a pattern stands for the own client id')
  t.same([guest.received.length, other.received.length], [0, 0], 'and who may not read hears nothing')
  await served.close()
})

await t.test('mount points part the clients of two listeners', async (t) => {
  const text = TWO.replace('FIRST', 'mount_point one/').replace('SECOND', 'mount_point two/')
  const served = await serveText(t, `allow_anonymous true\n${text}`)
  const [one, two] = await Promise.all([open(t, served, NOBODY, 'a', 1), open(t, served, NOBODY, 'b', 2)])
  await Promise.all([one.subscribe('#'), two.subscribe('#')])
  await one.publish('x', '1')
  await two.publish('x', '2')
  t.same([(await one.next()).text, (await two.next()).text], ['1', '2'])
  t.equal((await open(t, served, NOBODY, 'a', 2)).connack.reasonCode, 0, 'a client id is known on both')
  await one.closed
  await served.close()
})

await t.test('max_connections of one listener, and the ids that are given', async (t) => {
  const text = TWO.replace('FIRST', 'max_connections 1\nlistener_auto_id_prefix first-').replace('SECOND', 'max_qos 1')
  const served = await serveText(
    t,
    `allow_anonymous true\nallow_zero_length_clientid true\nauto_id_prefix all-\n${text}`,
  )
  const first = await open(t, served, NOBODY, '', 1)
  t.match(first.connack.properties?.assignedClientIdentifier, /^first-[\dA-F-]{36}$/)
  await t.rejects(open(t, served, NOBODY, 'other', 1), 'a second one is closed')
  const second = await open(t, served, NOBODY, '', 2)
  t.match(second.connack.properties, { assignedClientIdentifier: /^all-/, maximumQoS: 1 })
  await first.end()
  await served.close()
})

await t.test('retained messages in memory only, unless persistence is true', async (t) => {
  for (const [persistence, count] of [
    ['false', 0],
    ['true', 1],
  ] as const) {
    const text = `${LISTENER}allow_anonymous true\npersistence ${persistence}`
    const served = await serveText(t, text)
    await (await open(t, served, NOBODY, 'a')).publish('kept', 'yes', { retain: true })
    await served.close()
    const again = await serveText(t, text, {}, { PUSH_DATA_DIR: `${served.folder}/data` })
    const reader = await open(t, again, NOBODY, 'b')
    await reader.subscribe('kept')
    // The answer to a PUBLISH does not wait for a retained message, which is read from the store.
    await reader.publish('kept', 'end')
    await eventually('both have come', () => reader.received.length > count)
    t.equal(reader.received.length, count + 1, `persistence ${persistence}`)
    await again.close()
  }
})

await t.test(
  'a user whose line is gone, and anonymous clients that are no longer wanted, are disconnected',
  async (t) => {
    const text = `${LISTENER}allow_anonymous true\n${FILE}`
    const served = await serveText(t, text, FILES)
    const [first, second, guest] = await Promise.all([
      open(t, served, ann, 'a'),
      open(t, served, bob, 'b'),
      open(t, served, NOBODY, 'c'),
    ])
    served.reload(`${LISTENER}${FILE}`, { passwords: `${ANN_LINE}\n` })
    await Promise.all([second.closed, guest.closed])
    await first.publish('still', 'here')
    t.throws(() => served.reload(`${LISTENER}${FILE}\nnonsense`), /Unknown configuration variable/)
    t.throws(() => served.reload(`${LISTENER}${FILE}`, { passwords: 'ann:plain' }), 'a password file that is broken')
    await t.resolves(open(t, served, ann, 'd'), 'leaves the former one in place')
    await t.rejects(open(t, served, NOBODY, 'e'), { code: 0x87 })
    await served.close()
  },
)

async function enter(t: Scope, served: Served, port: 1 | 2, who: Who, protocolVersion: 4 | 5 = 5): Promise<void> {
  await (await connect(t, { mqttPort: served.ports[port - 1] ?? 0, httpPort: 0 }, who, { protocolVersion })).end()
}

function open(t: Scope, served: Served, who: Who, clientId: string, port: 1 | 2 = 1) {
  return connect(t, { mqttPort: served.ports[port - 1] ?? 0, httpPort: 0 }, who, { clientId })
}

function nameOf(who: Who): string {
  return 'username' in who ? `${who.username} with ${who.password}` : 'nobody'
}
