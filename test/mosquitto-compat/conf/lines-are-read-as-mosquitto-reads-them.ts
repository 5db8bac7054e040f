// Is a configuration read by Mosquitto's grammar: comments, separators, values, what may stand twice, and where an error is?
import { t } from '../../support/tap.ts'
import { problemOf, readText, readTexts } from './support/read.ts'

t.test('what is taken', (t) => {
  for (const [name, text, expected] of [
    ['an empty file', '', 10],
    ['a comment in the first column', '#sys_interval 5', 10],
    ['spaces before the name, and several behind it', '  sys_interval   5', 5],
    ['CRLF', 'sys_interval 5\r\nmax_keepalive 9\r\n', 5],
    ['an empty line with a carriage return', '\r\nsys_interval 5', 5],
    ['no line end at the end', 'sys_interval 5', 5],
    ['a word behind a number is not looked at', 'sys_interval 5 # seconds', 5],
    ['hexadecimal', 'sys_interval 0x1f', 31],
    ['octal', 'sys_interval 010', 8],
    ['a sign', 'sys_interval +7', 7],
    ['the last one counts', 'sys_interval 5\nsys_interval 6', 6],
    ['spaces alone', '   \nsys_interval 5', 5],
  ] as const)
    t.equal(readText(text).sysInterval, expected, name)

  for (const [text, expected] of [
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
    ['true # yes', true],
  ] as const)
    t.equal(readText(`persistence ${text}`).persistence, expected, `a flag ${text}`)

  t.equal(
    readText('persistence_location  /var/lib/my data/ # mine ').persistenceLocation,
    '/var/lib/my data/ # mine',
    'a text is the rest of the line, without the spaces around it, and with its #',
  )
  t.equal(readText('# Straße\xff\nuser ann').user, 'ann', 'a comment may hold any bytes')
  t.end()
})

t.test('what is wrong, and where', (t) => {
  const LISTENER = 'listener 1883\n'
  for (const [text, message, line] of [
    ['sys_intervall 5', "Unknown configuration variable 'sys_intervall'. sys_interval is the nearest.", 1],
    ['\n # x', "Unknown configuration variable '#'. A comment has its # in the first column.", 2],
    ['sys_interval\t5', "Unknown configuration variable 'sys_interval\\t5'. Spaces part", 1],
    ['\tsys_interval 5', "Unknown configuration variable '\\tsys_interval'.", 1],
    ['Sys_interval 5', "Unknown configuration variable 'Sys_interval'.", 1],
    ['sys_interval', "Empty 'sys_interval' value in configuration.", 1],
    ['sys_interval five', "'sys_interval' value not a number.", 1],
    ['sys_interval 5s', "'sys_interval' value not a number.", 1],
    ['sys_interval 08', "'sys_interval' value not a number.", 1],
    ['sys_interval 99999999999', "'sys_interval' value out of range.", 1],
    ['sys_interval 65536', "Invalid 'sys_interval' value (65536).", 1],
    ['persistence yes', "Invalid 'persistence' value (yes).", 1],
    ['persistence True', "Invalid 'persistence' value (True).", 1],
    ['persistence', "Empty 'persistence' value in configuration.", 1],
    ['user  ', "Empty 'user' value in configuration.", 1],
    ['pid_file /a\n\npid_file /a', "Duplicate 'pid_file' value in configuration.", 3],
    ['max_packet_size 19', "'max_packet_size' must be >= 20.", 1],
    ['max_inflight_messages 65536', "'max_inflight_messages' must be <= 65535.", 1],
    ['message_size_limit 556000000', "Invalid 'message_size_limit' value (556000000).", 1],
    ['max_qos 3', "'max_qos' must be between 0 and 2 inclusive.", 1],
    ['persistent_client_expiration 5', "Invalid 'persistent_client_expiration' duration in configuration.", 1],
    ['persistent_client_expiration d', "Invalid 'persistent_client_expiration' duration in configuration.", 1],
    ['log_type loud', "Invalid 'log_type' value (loud).", 1],
    ['log_dest file', "Empty 'log_dest file' value in configuration.", 1],
    ['log_dest file /a\nlog_dest file /b', 'Duplicate "log_dest file" value.', 2],
    ['listener', "Empty 'listener port' value in configuration.", 1],
    ['listener 70000', "Invalid 'port' value (70000).", 1],
    ['listener 0', 'A listener with port 0 must provide a Unix socket path.', 1],
    ['listener 0 # mine', 'A listener with port 0 must provide a Unix socket path.', 1],
    ['port 0', "Invalid 'port' value (0).", 1],
    ['mount_point a/', "The 'mount_point' option requires a listener to be defined first.", 1],
    [`${LISTENER}mount_point a/+/`, "Invalid 'mount_point' value (a/+/). Does it contain a wildcard character?", 2],
    [`${LISTENER}accept_protocol_versions`, "Empty 'accept_protocol_versions' value in configuration.", 2],
    [`${LISTENER}enable_proxy_protocol 3`, 'enable_proxy_protocol must be 1 or 2.', 2],
    [`${LISTENER}certfile a`, 'Both certfile and keyfile must be provided to enable a TLS listener.', 2],
    [`${LISTENER}cafile a`, 'cafile specified without certfile and keyfile.', 2],
    [`${LISTENER}listener_auto_id_prefix ${'a'.repeat(51)}`, "'listener_auto_id_prefix' length must be <= 50.", 2],
    ['keepalive_interval 60', "The 'keepalive_interval' option requires a bridge to be defined first.", 1],
    ['connection a\naddress h', 'Invalid bridge configuration: no topics defined.', 1],
    ['connection a\ntopic b', 'Invalid bridge configuration: no remote addresses defined.', 1],
    ['connection a\naddress h\ntopic "b', 'Missing closing quote in topic value (b).', 3],
    ['plugin_opt_a b', "The 'plugin_opt_a' option requires plugin/global_plugin/plugin_load to be defined first.", 1],
    ['memory_limit -1', "Invalid 'memory_limit' value (-1).", 1],
    ['user a\xc0\x80b'.replace('\xc0\x80', '\0'), 'A line with a zero byte.', 1],
  ] as const) {
    const problem = problemOf(text)
    t.ok(problem.startsWith(`Error: ${message}`), `${JSON.stringify(text)}: ${problem}`)
    t.match(problem, `\nError found at main.conf:${line}.`)
  }
  t.equal(problemOf({}), "Error: Unable to open config file 'main.conf'.", 'a file that is not there')
  t.end()
})

t.test('files and certificates replace each other, where texts must not stand twice', (t) => {
  const { listeners } = readText(
    ['listener 1883', ...['a', 'b'].flatMap((each) => [`password_file ${each}`, `acl_file ${each}`])].join('\n'),
  )
  t.match(listeners[0]?.security, { passwordFile: 'b', aclFile: 'b' })
  t.end()
})

t.test('what is refused is told all at once, each with what to do instead', (t) => {
  const problem = problemOf(
    'listener 8883\npsk_hint x\ntls_engine y\nplugin /usr/lib/mosquitto_dynamic_security.so\nretain_expiry_interval 5',
  )
  for (const part of ['psk_hint', 'tls_engine', 'dynamic security', 'retain_expiry_interval']) t.match(problem, part)
  t.match(problem, 'Error found at main.conf:4.')
  t.equal(problemOf('enable_control_api false'), '', 'what asks for nothing is taken')
  t.end()
})

t.test('what has no effect is one warning, with its place', (t) => {
  const { warnings } = readText('autosave_interval 60\nset_tcp_nodelay true\nretry_interval 20')
  t.equal(warnings.length, 3)
  t.match(warnings[0], /'autosave_interval' .*\(main\.conf:1\)/)
  t.end()
})

t.test('included files', (t) => {
  const names = ['b.conf', 'A.conf', '01.conf', 'a.conf', 'B.conf', '00.conf']
  const texts = Object.fromEntries(names.map((name, index) => [`dir/${name}`, `listener ${2000 + index}\n`]))
  t.same(
    readTexts({
      ...texts,
      'dir/c.txt': 'nonsense',
      'dir/.conf': 'nonsense',
      'main.conf': 'include_dir dir',
    }).listeners.map(({ port }) => port),
    ['00.conf', '01.conf', 'A.conf', 'a.conf', 'B.conf', 'b.conf'].map((name) => 2000 + names.indexOf(name)),
    'in the order of the manual page',
  )
  t.match(
    problemOf({ 'main.conf': 'listener 1883\ninclude_dir d', 'd/a.conf': '\nmount_point x' }),
    /requires a listener[^\n]*\nError found at d\/a\.conf:2\./,
    'a listener is not carried into a file',
  )
  t.match(
    problemOf({ 'main.conf': 'include_dir d\nmount_point x', 'd/a.conf': 'listener 1883' }),
    /requires a listener[^\n]*\nError found at main\.conf:2\./,
    'nor out of it',
  )
  t.match(
    problemOf({ 'main.conf': 'include_dir d', 'd/a.conf': 'include_dir e' }),
    'The include_dir option is only valid in the main configuration file.',
  )
  t.match(problemOf({ 'main.conf': 'include_dir d' }), "Unable to open include_dir 'd'.")
  t.end()
})
