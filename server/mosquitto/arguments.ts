/** The command line of `aedes-push mosquitto`, which is Mosquitto's. */

export interface MosquittoArguments {
  readonly path: string | undefined
  readonly ports: readonly number[]
  readonly verbose: boolean
  readonly quiet: boolean
  readonly testConfig: boolean
  readonly daemon: boolean
}

export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError'
}

export const USAGE = `aedes-push mosquitto [-c file] [-d] [-h] [-p port] [-v] [-q]

Serve what a mosquitto.conf describes, and push messages beside it.

  -c file        configuration file; default: port 1883 for this machine only, without passwords
  -d             run in the background
  -p port        port, if the file has no listener; repeat it for several
  -q             log nothing
  -v             log everything
  --test-config  check the file and exit
  -h, --help, --version

Settings of aedes-push come from the environment, such as PUSH_DATA_DIR, PUSH_REDIS_URL, PUSH_PROVIDER_KEY and
PUSH_HTTP_PORT; the HTTP port opens only when it is set. See docs/mosquitto.md.
`

const LONG: Readonly<Record<string, string>> = {
  '--config-file': '-c',
  '--port': '-p',
  '--daemon': '-d',
  '--quiet': '-q',
  '--verbose': '-v',
}
const MOST_PORTS = 10

/** @throws ArgumentsError */
export function readArguments(argv: readonly string[]): MosquittoArguments {
  let path: string | undefined
  const ports: number[] = []
  const given = new Set<string>()
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const option = LONG[word] ?? word
    if (option === '-c') {
      index += 1
      path = argv[index]
      if (path === undefined) throw new ArgumentsError('-c argument given, but no config file specified.')
    } else if (option === '-p') {
      index += 1
      ports.push(portOf(argv[index]))
      if (ports.length > MOST_PORTS)
        throw new ArgumentsError(`Only ${MOST_PORTS} ports can be specified on the command line.`)
    } else if (['-d', '-q', '-v', '--test-config'].includes(option)) {
      given.add(option)
    } else {
      throw new ArgumentsError(
        option === '--tls-keylog'
          ? '--tls-keylog is not supported: it would write the keys of every connection to a file.'
          : `Unknown option '${word}'.`,
      )
    }
  }
  return {
    path,
    ports,
    verbose: given.has('-v'),
    quiet: given.has('-q'),
    testConfig: given.has('--test-config'),
    daemon: given.has('-d'),
  }
}

function portOf(word: string | undefined): number {
  if (word === undefined) throw new ArgumentsError('-p argument given, but no port specified.')
  const port = Number.parseInt(word, 10) || 0
  if (port < 1 || port > 65_535) throw new ArgumentsError(`Invalid port specified (${port}).`)
  return port
}
