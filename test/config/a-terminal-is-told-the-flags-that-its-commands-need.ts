// Do the lines that a terminal is told to try name what a shell without the server's settings needs, and nothing secret?
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { welcomeText } from '../../server/welcome.ts'

const KEY = 'a key that nobody sees'.replaceAll(' ', '-')

function told(env: Record<string, string>, ports: Parameters<typeof welcomeText>[0]['ports'], program?: string) {
  return welcomeText({ config: readConfig([], env).config, ports, program, path: '/usr/bin:/opt/push/bin' })
}

t.test('defaults', async (t) => {
  const text = told({}, { mqtt: 1883, http: 8080 }, '/opt/push/bin/aedes-push')
  t.match(text, '  Key      data/provider.key\n')
  t.match(text, '    aedes-push listen --token-file token.txt &\n')
  t.notMatch(text, /--(host|http-port|mqtt-port|data-dir|url)/)
})

t.test('a key that was given is not told', async (t) => {
  const text = told({ PUSH_PROVIDER_KEY: KEY, PUSH_DATA_DIR: '/var/lib/push' }, { mqtt: 1883, http: 8080 })
  t.match(text, 'PUSH_PROVIDER_KEY')
  t.notMatch(text, KEY)
  t.notMatch(text, '/var/lib/push')
})

t.test('every address, other ports, a folder with a space', async (t) => {
  const env = { PUSH_HOST: '0.0.0.0', PUSH_DATA_DIR: "/srv/Ann's data" }
  const text = told(env, { mqtt: 2883, http: 9090 }, '/srv/app/bin/aedes-push')
  t.match(text, 'http://localhost:9090/console')
  t.match(text, `/srv/app/bin/aedes-push listen --token-file token.txt --mqtt-port 2883 &`)
  t.match(text, ` --data-dir '/srv/Ann'\\''s data' --http-port 9090\n`)
})

t.test('TLS alone', async (t) => {
  const env = { PUSH_HOST: '::1', PUSH_CONSOLE: 'off' }
  const text = told(env, { mqtts: 8883, https: 8443 })
  t.match(text, 'mqtts://[::1]:8883')
  t.match(text, 'listen --token-file token.txt --http --url https://[::1]:8443 &')
  t.notMatch(text, 'console')
})
