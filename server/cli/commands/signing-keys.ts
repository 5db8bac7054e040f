/** `aedes-push signing-keys`: the keys of message tokens of a running server. */
import { Option, type Command } from 'commander'
import { ALGORITHMS } from '../../../auth/index.ts'
import type { SigningKeyAnswer } from '../../../bridge/index.ts'
import { type ClientContext, describe, type Take } from '../client-command.ts'
import { columns, fields } from '../table.ts'

const BASE = '/v1/signing-keys'

function described({ kid, algorithm: its, state, createdAt, signsFrom, retiredAt }: SigningKeyAnswer) {
  return {
    kid,
    algorithm: its,
    state,
    created: createdAt ?? 'of a file',
    'signs from': signsFrom ?? '',
    retired: retiredAt ?? '',
  }
}

async function print({ out }: ClientContext, key: unknown): Promise<void> {
  await out.answer(key, fields(described(key as SigningKeyAnswer)))
}

interface RotateOptions {
  readonly algorithm?: string
  readonly now?: true
}

export function register(root: Command, take: Take): void {
  const keys = root.command('signing-keys').description('Keys that sign the message tokens of a running server.')
  const list = describe(keys.command('list'), {
    about: 'List all signing keys, oldest first, without secrets.',
    examples: ['signing-keys list', 'signing-keys list --json'],
  })
  list.action(() =>
    take(list, async ({ out, provider }) => {
      const ask = await provider()
      const { keys } = (await ask('GET', BASE)) as { keys: readonly SigningKeyAnswer[] }
      const rows = keys.map((key) => Object.values(described(key)))
      await out.answer(keys, columns(['kid', 'algorithm', 'state', 'created', 'signs from', 'retired'], rows))
    }),
  )
  const rotate = describe(keys.command('rotate'), {
    about: 'Create a key, which signs once others have had time to fetch it.',
    examples: ['signing-keys rotate', 'signing-keys rotate --now', 'signing-keys rotate --algorithm ES256'],
  })
  rotate.addOption(
    new Option('--algorithm <algorithm>', 'default: the algorithm of the server').choices([...ALGORITHMS]),
  )
  rotate.option('--now', 'sign at once, even if others do not know it yet: after a key has leaked')
  rotate.action((options: RotateOptions) =>
    take(rotate, async (context) =>
      print(context, await (await context.provider())('POST', `${BASE}/rotate`, bodyOf(options))),
    ),
  )
  const retire = describe(keys.command('retire <kid>'), {
    about: 'Refuse all tokens of a key, at once and for good. If it signs, rotate first.',
    examples: ['signing-keys retire $KID'],
  })
  retire.action((kid: string) =>
    take(retire, async (context) => {
      const ask = await context.provider()
      await print(context, await ask('POST', `${BASE}/${encodeURIComponent(kid)}/retire`, {}))
    }),
  )
}

function bodyOf({ algorithm, now }: RotateOptions): object {
  return { ...(algorithm === undefined ? {} : { algorithm }), ...(now === undefined ? {} : { now }) }
}
