// Is a connection block read as the manual page has it: defaults, topics with prefixes, restarts, TLS, and what is wrong?
import { t } from '../../support/tap.ts'
import { problemOf, readText } from './support/read.ts'

const BLOCK = 'connection office\naddress broker.example.com\n'
const bridge = (text: string, more = '') => readText(`${more}${BLOCK}${text}`).bridges[0]

t.test('defaults', (t) => {
  t.match(bridge('topic a/#'), {
    name: 'office',
    addresses: [{ host: 'broker.example.com', port: 1883 }],
    topics: [{ pattern: 'a/#', direction: 'out', qos: 0, localPrefix: '', remotePrefix: '' }],
    protocolVersion: 'mqttv311',
    remoteClientId: 'here.office',
    localClientId: 'local.here.office',
    notificationTopic: '$SYS/broker/connection/here.office/state',
    cleanSession: false,
    localCleanSession: false,
    tryPrivate: true,
    notifications: true,
    startType: 'automatic',
    restart: { base: 5, cap: 30, stable: 0 },
    keepAlive: 60,
    receiveMaximum: 20,
  })
  t.equal(bridge('topic a/#')?.tls, undefined)
  t.equal(bridge('topic a', 'max_inflight_messages 0\n')?.receiveMaximum, 65_535)
  t.end()
})

t.test('topics', (t) => {
  for (const [line, expected] of [
    ['# both 2 local/ remote/', ['#', 'both', 2, 'local/', 'remote/']],
    ['a IN 1', ['a', 'in', 1, '', '']],
    ['"" out 0 here there', ['', 'out', 0, 'here', 'there']],
    ['a out 0 "" there/', ['a', 'out', 0, '', 'there/']],
    ['"with a space/#" in 1 x/ y/', ['with a space/#', 'in', 1, 'x/', 'y/']],
    ['a out 0 # a comment', ['a', 'out', 0, '', '']],
  ] as const) {
    const topic = bridge(`topic ${line}`)?.topics[0]
    t.same([topic?.pattern, topic?.direction, topic?.qos, topic?.localPrefix, topic?.remotePrefix], expected, line)
  }
  t.equal(bridge('topic a\ntopic a\ntopic b')?.topics.length, 2, 'the same one twice is one')
  t.end()
})

t.test('other options', (t) => {
  t.match(
    bridge(`topic a
remote_clientid r
username ann
password secret
cleansession true
keepalive_interval 2
restart_timeout 10 60 5
start_type lazy
bridge_tcp_keepalive 9 8 7
bridge_cafile /ca
bridge_insecure true
bridge_tls_version tlsv1.3`),
    {
      remoteClientId: 'r',
      localClientId: 'local.r',
      remoteUsername: 'ann',
      remotePassword: 'secret',
      cleanSession: true,
      localCleanSession: true,
      keepAlive: 5,
      restart: { base: 10, cap: 60, stable: 5 },
      startType: 'lazy',
      tcpKeepAlive: 9,
      tls: { caFile: '/ca', insecure: true, version: 'tlsv1.3', useSystemCertificates: false },
    },
  )
  t.same(bridge('topic a\nrestart_timeout 20')?.restart, { base: 20, stable: 0 })
  t.same(readText('connection a\naddresses one:1 [::1]:2 three # no more\ntopic x').bridges[0]?.addresses, [
    { host: 'one', port: 1 },
    { host: '::1', port: 2 },
    { host: 'three', port: 1883 },
  ])
  t.end()
})

t.test('what is wrong', (t) => {
  for (const [text, message] of [
    ['topic a sideways', "Invalid bridge topic direction 'sideways'."],
    ['topic a out 3', "Invalid bridge QoS level '3'."],
    ['topic a out 0 +/ x', "Invalid bridge topic local prefix '+/'."],
    ['topic "" out 0 here', 'Invalid bridge remapping.'],
    ['topic a#', 'Invalid bridge topic local prefix and pattern combination'],
    ['topic a\nrestart_timeout 10 5', 'backoff cap is lower than the base in restart_timeout.'],
    ['topic a\nstart_type manual', 'Manual start_type not supported.'],
    ['topic a\nbridge_receive_maximum 0', 'bridge_receive_maximum must be greater than 0.'],
    ['topic a\naddress other', "Duplicate 'address' value in configuration."],
    ['topic a\nbridge_psk 00', "The 'bridge_psk' option is not supported"],
    ['topic a\nconnection office', "Duplicate bridge name 'office'."],
    [
      'topic a\nlocal_clientid x\nconnection b\naddress h\ntopic a\nlocal_clientid x',
      "local_clientid 'x' is not unique",
    ],
  ] as const)
    t.match(problemOf(`${BLOCK}${text}`), message, text)
  t.end()
})
