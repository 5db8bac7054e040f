/** Programs that import this package by its name, as its users do. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  BUILD,
  ROOT,
  type ApiTarget,
  type Program,
  type Scope,
  startProgram,
  temporaryFolder,
} from '../../support/index.ts'

export const EXAMPLE_KEY = 'key-of-the-example-0123456789'

/** `aedes-push` is this package by its own `exports`, which name `dist/`: a hook gives what was built for the tests. */
export function packageFlags(): string[] {
  const at = (...path: string[]) => pathToFileURL(join(BUILD, ...path)).href
  const built = JSON.stringify({ 'aedes-push': at('index.js'), 'aedes-push/client': at('client', 'index.js') })
  const hook = `const built = ${built}; export const resolve = (name, context, next) => built[name] ? { url: built[name], shortCircuit: true } : next(name, context)`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
  return ['--import', `data:text/javascript,${encodeURIComponent(register)}`]
}

export interface Example extends ApiTarget {
  readonly program: Program
  readonly mqttPort: number
}

/** A file of `examples/` as it stands, on free ports. */
export async function startExample(t: Scope, name: string): Promise<Example> {
  const program = startProgram(t, process.execPath, [...packageFlags(), join(ROOT, 'examples', name)], {
    cwd: temporaryFolder(t),
    env: { PROVIDER_KEY: EXAMPLE_KEY, MQTT_PORT: '0', HTTP_PORT: '0' },
  })
  const ready = await program.stdout.nextWhere((line) => line.startsWith('ready'))
  const [, mqttPort, httpPort] = /mqtt=(\d+) http=(\d+)/.exec(ready) ?? []
  return { program, mqttPort: Number(mqttPort), httpPort: Number(httpPort), providerKey: EXAMPLE_KEY }
}
