// Is a file that is cut short, altered or something else refused, with the number of the line and what is wrong?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { decodeLine } from '../../store/transfer/format.ts'
import { accountMark, deviceMark, tokenId } from '../../topics/index.ts'
import { temporaryFolder } from '../support/index.ts'
import { linesOf, runWith } from './support/move.ts'

const SECRET = 'A'.repeat(43)
const PLACE = { app: 'weather', deviceMark: deviceMark('weather', 'phone'), expiresAt: Date.now() + 86_400_000 }
const ACCOUNT = accountMark(Buffer.alloc(32, 7), 'weather', 'ann')
const ID = tokenId(Buffer.alloc(32, 7), { app: 'weather', device: 'phone', account: 'ann' })

await t.test('what is wrong is named', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const source = openLevelStore({ directory: join(dataDir, 'store') })
  await source.open()
  await source.registerToken({ ...PLACE, tokenId: ID })
  const now = Date.now()
  const message = {
    id: 'one',
    payload: Buffer.from('hello'),
    retain: false,
    storedAt: now,
    expiresAt: now + 86_400_000,
  }
  await source.append({ tokenId: ID, message, dedupe: false })
  await source.close()
  const file = join(temporaryFolder(t, 'export'), 'export.jsonl')
  const exported = await runWith(t, 'export', file, { PUSH_DATA_DIR: dataDir })
  t.match(exported, { code: 0, errors: /as secret as the store/ })
  t.notMatch(exported.errors, /PUSH_KEYS_FILE/, 'a file that is not there is not named')
  const whole = linesOf(file)
  t.equal(whole.length, 4)
  const [header = '', token = '', text = '', end = ''] = whole
  const secret = JSON.stringify({ type: 'secret', name: 'token-id.key', value: SECRET })
  const other = JSON.stringify({ type: 'secret', name: 'token-id.key', value: SECRET.replace('A', 'B') })

  const written = { id: 'one', payload: 'aGVsbG8=', retain: false, storedAt: now, expiresAt: now + 86_400_000 }
  const line = (fields: object): string => JSON.stringify(fields)
  const log = line({ type: 'log', log: 'weather' })
  const entry = line({ type: 'entry', part: 0, offset: 1, tokenId: ID, subject: 's', message: written })
  const times = { keptMs: null, expiresAt: null }
  const session = line({ type: 'session', name: 'one', held: true, ...times, received: [[1, 'uid']] })
  const delivery = line({ type: 'delivery', topic: 'a', qos: 2, identifiers: [], released: false, message: written })
  const row = line({ type: 'row', table: 'codes', key: 'one', value: '', expiresAt: null })
  const details = { accountMark: ACCOUNT, epochs: [1, 2], tags: [], version: '' }
  const detailed = line({ ...(JSON.parse(token) as object), details })

  const app = line({ type: 'app', app: 'weather' })
  const unsorted = '#{"any":["b","a"]}\n*'
  const broadcast = line({ type: 'broadcast', offset: 1, selector: unsorted, pending: true, message: written })

  const fewer = end.replace('"logs":0', '"logs":1').replace('"entries":0', '"entries":1')

  const cases: [string, string[], RegExp][] = [
    ['nothing', [], /cut short/],
    ['no end', [header, token, text], /cut short: its last line is missing/],
    ['half a line', [header, token, text.slice(0, 40)], /line 3 .*not JSON/],
    ['a line less', [header, token, end], /line 3 .*1 messages, of which 0 are here/],
    ['a line after the end', [...whole, text], /line 5 .*after the end/],
    ['no header', [token, text, end], /line 1 .*begins with its header/],
    ['two headers', [header, header], /line 2 .*begins with its header/],
    ['something else', ['{"hello": "world"}'], /line 1 .*`type` is missing/],
    ['a later version', [header.replace('"version":4', '"version":5')], /line 1 .*version 5 .*only 1, 2, 3, 4/],
    ['an unknown line', [header, '{"type":"surprise"}'], /line 2 .*type is not known/],
    ['a message of nobody', [header, text], /line 2 .*belongs to no token/],
    [
      'a reader of no log',
      [header, line({ type: 'reader', reader: 'one', expiresAt: null, unread: [] })],
      /line 2 .*no log/,
    ],
    ['an entry of no log', [header, entry], /line 2 .*belongs to no log/],
    ['no log of an app', [header, log.replace('weather', 'a/b')], /line 2 .*`log`/],
    ['a message of no session', [header, delivery], /line 2 .*belongs to no session/],
    [
      'a subscription of none',
      [header, line({ type: 'subscription', filter: 'a', options: '' })],
      /line 2 .*no session/,
    ],
    ['QoS 3', [header, session, delivery.replace('"qos":2', '"qos":3')], /line 3 .*`qos`/],
    ['no packet id', [header, session.replace('[1,', '[-1,')], /line 2 .*`received`/],
    ['an entry less', [header, token, text, log, fewer], /line 5 .*1 entries, of which 0/],
    ['no base64', [header, token, text.replace('aGVsbG8=', '!!!')], /line 3 .*`message.payload`/],
    ['a path as a name', [header, secret.replace('token-id.key', '../key')], /line 2 .*`name`/],
    ['no name of a table', [header, row.replace('codes', 'a b')], /line 2 .*`table`/],
    ['no account', [header, detailed.replace(ACCOUNT, ACCOUNT.slice(1))], /line 2 .*`details.accountMark`/],
    ['no epochs', [header, detailed.replace('[1,2]', '[1,2,3]')], /line 2 .*epochs/],
    ['no tags', [header, detailed.replace('"tags":[]', '"tags":["a\\nb"]')], /line 2 .*`details.tags`/],
    ['no selector', [header, app, broadcast], /line 3 .*`selector`/],
    ['two keys', [header, secret, other], /line 3 .*another secret token-id.key/],
  ]
  for (const [name, lines, says] of cases) {
    const broken = join(temporaryFolder(t, 'export'), 'broken.jsonl')
    writeFileSync(broken, lines.map((line) => `${line}\n`).join(''))
    const { code, errors } = await runWith(t, 'import', broken, { PUSH_DATA_DIR: temporaryFolder(t, 'data') })
    t.equal(code, 1, name)
    t.match(errors, says, name)
    t.notMatch(errors, /A{20}|aGVsbG8|hello\b(?!")/, 'no key and no message is shown')
  }

  for (const [line, added, named] of [
    [token, '"revoke":true,', '"revoke"'],
    [text, '"pendng":true,', '"pendng"'],
    [end, '"__proto__":{},', '"__proto__"'],
  ] as const)
    t.throws(() => decodeLine(line.replace('{', `{${added}`)), new RegExp(`${named} is not known`))
  t.throws(() => decodeLine(text.replace('"payload"', '"expires":1,"payload"')), /"message\.expires" is not known/)

  for (const type of [log, entry, session, delivery, row])
    t.throws(() => decodeLine(type.replace('{', '{"more":1,')), /"more" is not known/)

  const first = join(temporaryFolder(t, 'export'), 'version-1.jsonl')
  const counts = { secrets: 0, apps: 0, broadcasts: 0, tokens: 1, messages: 1 }
  const former = [header.replace('"version":4', '"version":1'), token, text, line({ type: 'end', counts })]
  writeFileSync(first, former.map((each) => `${each}\n`).join(''))
  const read = await runWith(t, 'import', first, { PUSH_DATA_DIR: temporaryFolder(t, 'data') })
  t.match(read, { code: 0, errors: /imported 1 tokens, 1 private messages/ }, 'version 1')

  const edited = join(temporaryFolder(t, 'export'), 'edited.jsonl')
  writeFileSync(edited, `${whole.map((line) => `${line}\r\n`).join('')}\r\n\n`)
  const taken = await runWith(t, 'import', edited, { PUSH_DATA_DIR: temporaryFolder(t, 'data') })
  t.match(taken, { code: 0, errors: /imported 1 tokens/ }, 'blank lines and other line ends hold nothing')

  const nowhere = await runWith(t, 'export', file, { PUSH_DATA_DIR: join(dataDir, 'nowhere') })
  t.match(nowhere, { code: 2, errors: /no store in/ })
})
