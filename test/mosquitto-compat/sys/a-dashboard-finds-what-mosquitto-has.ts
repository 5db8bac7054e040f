// Does a subscriber to $SYS/# find every topic of Mosquitto, of this node alone, and nothing else, where $SYS is on?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { ann, bob, connect, mosquittoSub, passwordFile, startServer, temporaryFolder } from '../../support/index.ts'

/** Of `mosquitto_sub -t '$SYS/#'` beside Mosquitto 2.0 and 2.1, below `$SYS/broker/`. */
const TOPICS = [
  'version uptime',
  'clients/total clients/maximum clients/disconnected clients/inactive clients/connected clients/active clients/expired',
  'messages/stored messages/received messages/sent store/messages/count store/messages/bytes',
  'subscriptions/count shared_subscriptions/count heap/current heap/maximum bytes/received bytes/sent',
  'publish/bytes/received publish/bytes/sent publish/messages/dropped publish/messages/received publish/messages/sent',
  'packet/out/count packet/out/bytes connections/socket/count',
].flatMap((row) => row.split(' '))
const LOADS = [
  'load/messages/received load/messages/sent load/publish/dropped load/publish/received load/publish/sent',
  'load/bytes/received load/bytes/sent load/sockets load/connections',
].flatMap((row) => row.split(' ').flatMap((topic) => [`${topic}/1min`, `${topic}/5min`, `${topic}/15min`]))

await t.test('dashboards', async (t) => {
  const acl = join(temporaryFolder(t, 'acl'), 'acl')
  writeFileSync(acl, 'user ann\ntopic read $SYS/#\ntopic #\nuser bob\ntopic #\n')
  const settings = { PUSH_PASSWORD_FILE: passwordFile(t), PUSH_ACL_FILE: acl, PUSH_SYS_INTERVAL: '1' }
  const server = await startServer(t, { settings })
  const blind = await connect(t, server, bob)
  await blind.subscribe('$SYS/#')
  await blind.subscribe('#')
  const all = [...TOPICS, 'retained messages/count', ...LOADS].map((topic) => `$SYS/broker/${topic}`)
  const dashboard = await mosquittoSub(t, server, '-u', ann.username, '-P', ann.password, '-t', '$SYS/#', '-q', '2')
  const first = await dashboard.nextN(all.length)
  t.same(first.map(({ topic }) => topic).sort(), all.sort(), 'each of them, retained')
  t.ok(first.every(({ retain, qos }) => retain === 1 && qos === 2))
  t.match(first.find(({ topic }) => topic.endsWith('/version'))?.payload, /^aedes-push version \d/)

  const seen = new Map<string, string>()
  while (seen.get('$SYS/broker/clients/connected') !== '2' || !seen.has('$SYS/broker/uptime')) {
    const { topic, payload, retain } = await dashboard.next()
    if (!retain) seen.set(topic, payload)
  }
  t.match(seen.get('$SYS/broker/uptime'), /^\d+ seconds$/)
  t.notOk([...seen.keys()].some((topic) => !all.includes(topic)))

  const other = await connect(t, server, ann, { clientId: 'other' })
  await other.publish('a/b', 'live')
  t.equal((await blind.next()).topic, 'a/b', 'who may not read it got nothing of it, whatever it subscribed to')
  await other.subscribe('$SYS/broker/clients/+')
  t.match(await other.next(), { topic: /^\$SYS\/broker\/clients\// }, 'also by a narrower filter')
})
