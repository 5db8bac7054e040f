// Does each configuration let in exactly whom Mosquitto lets in: by which listener, without a user name, and by which files?
import { t } from '../../support/tap.ts'
import { listenerAt, problemOf, readText } from './support/read.ts'

t.test('without listener', (t) => {
  for (const [text, anonymous] of [
    ['', true],
    ['persistence true', true],
    ['allow_anonymous false', false],
    ['password_file /pw', true],
    ['password_file /pw\nallow_anonymous false', false],
  ] as const) {
    const { listeners } = readText(text)
    t.same(
      listeners.map(({ host, port, security }) => [host, port, security.allowAnonymous]),
      [
        ['127.0.0.1', 1883, anonymous],
        ['::1', 1883, anonymous],
      ],
      JSON.stringify(text),
    )
  }
  t.same(
    readText('', [1884, 1885]).listeners.map(({ port }) => port),
    [1884, 1884, 1885, 1885],
    '-p says the port',
  )
  t.same(
    readText('listener 1886', [1884]).listeners.map(({ port }) => port),
    [1886],
    'and is not looked at where there is a listener',
  )
  t.end()
})

t.test('with listeners', (t) => {
  const both = (first: string, second: string, before = '', after = '') =>
    `${before}listener 1001\n${first}\nlistener 1002\n${second}\n${after}`
  for (const [name, text, first, second] of [
    ['nobody without a user name', both('', ''), false, false],
    ['allow_anonymous before them', both('', '', 'allow_anonymous true\n'), true, true],
    ['in the first it is for all', both('allow_anonymous true', ''), true, true],
    ['in the last too', both('', 'allow_anonymous true'), true, true],
    ['the last one wins', both('allow_anonymous true', 'allow_anonymous false'), false, false],
    ['behind them', both('', '', '', 'allow_anonymous true'), true, true],
    ['per listener', both('allow_anonymous true', '', 'per_listener_settings true\n'), true, false],
    [
      'per listener, once and for all',
      both('allow_anonymous true', '', 'per_listener_settings true\nper_listener_settings false\n'),
      true,
      false,
    ],
    ['listener_allow_anonymous is of one', both('listener_allow_anonymous true', ''), true, false],
    ['and wins over the other', both('listener_allow_anonymous false', '', 'allow_anonymous true\n'), false, true],
    ['whatever comes later', both('listener_allow_anonymous true', 'allow_anonymous false'), true, false],
    [
      'per listener the two are one: the last line counts',
      both(
        'listener_allow_anonymous true\nallow_anonymous false',
        'allow_anonymous false\nlistener_allow_anonymous true',
        'per_listener_settings true\n',
      ),
      false,
      true,
    ],
    ['port is a listener', 'port 1001\nlistener 1002', false, false],
    ['bind_address too', 'bind_address 127.0.0.1\nport 1001\nlistener 1002', false, false],
  ] as const) {
    const conf = readText(text)
    t.equal(listenerAt(conf, 1001).security.allowAnonymous, first, `${name}: the first`)
    t.equal(listenerAt(conf, 1002).security.allowAnonymous, second, `${name}: the second`)
  }
  t.end()
})

t.test('files per listener', (t) => {
  const conf = readText(`per_listener_settings true
listener 1001
password_file /one
acl_file /acl
allow_zero_length_clientid false
auto_id_prefix one-
listener 1002
listener_auto_id_prefix two-`)
  t.match(listenerAt(conf, 1001).security, {
    passwordFile: '/one',
    aclFile: '/acl',
    allowZeroLengthClientId: false,
    autoIdPrefix: 'one-',
  })
  t.match(listenerAt(conf, 1002).security, {
    passwordFile: undefined,
    aclFile: undefined,
    allowZeroLengthClientId: true,
    autoIdPrefix: 'two-',
  })
  t.equal(listenerAt(readText('listener 1001\npassword_file /all\nlistener 1002'), 1002).security.passwordFile, '/all')
  t.match(
    problemOf('allow_anonymous true\nper_listener_settings true'),
    /per_listener_settings must be set before any other security settings\.\nError found at main\.conf:2\./,
  )
  t.match(problemOf('per_listener_settings true\npassword_file /a'), "The 'password_file' option requires a listener")
  t.end()
})

t.test('the two plugins that equal the options', (t) => {
  const PASSWORDS = 'plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file /pw'
  const ACL = '/usr/lib/mosquitto_acl_file.so\nplugin_opt_acl_file /acl'
  const all = readText(`listener 1001\nlistener 1002\n${PASSWORDS}\nglobal_plugin ${ACL}`)
  for (const port of [1001, 1002])
    t.match(listenerAt(all, port).security, { passwordFile: '/pw', aclFile: '/acl', allowAnonymous: false })
  const one = readText(`plugin_load mine ${ACL}\nlistener 1001\nplugin_use mine\nlistener 1002`)
  t.equal(listenerAt(one, 1001).security.aclFile, '/acl')
  t.equal(listenerAt(one, 1002).security.aclFile, undefined)
  const own = readText(`per_listener_settings true\nlistener 1001\n${PASSWORDS}\nlistener 1002`)
  t.equal(listenerAt(own, 1001).security.passwordFile, '/pw')
  t.equal(listenerAt(own, 1002).security.passwordFile, undefined)

  t.match(problemOf(`listener 1001\npassword_file /other\n${PASSWORDS}`), 'Only one password_file holds')
  t.match(problemOf(`${PASSWORDS}\nplugin_opt_other x`), "Unknown option 'other'")
  t.match(problemOf('listener 1001\nplugin mosquitto_acl_file.so'), 'needs plugin_opt_acl_file')
  t.match(problemOf('plugin_use x'), "The 'plugin_use' option requires a listener")
  t.match(problemOf('listener 1\nplugin_use x'), "Plugin 'x' not previously loaded.")
  t.end()
})

t.test('what stands before the first listener makes one at port 1883', (t) => {
  const conf = readText('max_connections 5\nlistener 1001')
  t.same(
    conf.listeners.map(({ port, maxConnections, security }) => [port, maxConnections, security.allowAnonymous]),
    [
      [1883, 5, false],
      [1001, -1, false],
    ],
    'as Mosquitto has it',
  )
  t.match(conf.warnings[0], "'max_connections' without a 'listener' above it")
  t.equal(readText('max_connections 5').listeners[0]?.maxConnections, -1, 'and has no effect where there is none')
  t.end()
})

t.test('who comes with a certificate', (t) => {
  const TLS = 'listener 8883\ncertfile c\nkeyfile k\ncafile a\n'
  const one = (text: string) => readText(text).listeners[0]
  t.match(one(`${TLS}require_certificate true\nuse_identity_as_username true`), {
    identity: 'common name',
    tls: { requireCertificate: true, minimumVersion: 'TLSv1.2' },
  })
  t.equal(one(`${TLS}use_subject_as_username true`)?.identity, 'subject')
  t.equal(one('listener 1883\nuse_identity_as_username true')?.identity, undefined, 'without TLS there is none')
  t.equal(
    one('listener 1883\nenable_proxy_protocol 2\nrequire_certificate true\nuse_identity_as_username true')?.identity,
    'common name',
    'but what a proxy tells',
  )
  for (const [text, message] of [
    ['use_subject_as_username true', 'use_subject_as_username cannot be used with `enable_proxy_protocol 2`.'],
    ['certfile c\nkeyfile k', 'certfile and keyfile cannot be used with `enable_proxy_protocol 2`.'],
  ] as const)
    t.match(problemOf(`listener 1883\nenable_proxy_protocol 2\n${text}`), message)
  t.end()
})
