/** `aedes-push keys`: provider keys of a running server. */
import type { Command } from 'commander'
import { SCOPES, type Quota } from '../../../topics/index.ts'
import type { KeyAnswer, KeyList, MadeKeyAnswer } from '../../../index.ts'
import type { Ask } from '../ask.ts'
import { type ClientContext, describe, type Take } from '../client-command.ts'
import { duration, filled, list, secondsOf, wrong } from '../options.ts'
import { columns, fields } from '../table.ts'

/** `10000/1m` is 10,000 receivers a minute. */
function quota(given: string): readonly Quota[] {
  return given.split(',').map((each) => {
    const [, count, time = ''] = /^(\d{1,13})\/(\w+)$/.exec(each.trim()) ?? []
    const seconds = secondsOf(time)
    if (count === undefined || seconds === undefined) return wrong('such as 10000/1m, or two of them with a comma')
    return { count: Number(count), seconds }
  })
}

interface Asked {
  readonly name?: string
  readonly apps?: readonly string[]
  readonly scopes?: readonly string[]
  readonly expiresIn?: number
  readonly quota?: readonly Quota[]
  readonly user?: string
}

function bodyOf({ name, apps, scopes, expiresIn: seconds, quota, user }: Asked): object {
  return {
    ...(name === undefined ? {} : { name }),
    ...(apps === undefined ? {} : { apps: apps.join() === '*' ? '*' : apps }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(seconds === undefined ? {} : { expiresIn: seconds }),
    ...(quota === undefined ? {} : { quotas: { receivers: quota } }),
    ...(user === undefined ? {} : { user }),
  }
}

const pathOf = (id: string) => `/v1/keys/${encodeURIComponent(id)}`

function described(key: KeyAnswer): Record<string, string> {
  const { id, name, apps, scopes, expiresAt, quotas, user, createdAt, createdBy, rotatedAt, previousUntil } = key
  const windows = quotas === null ? [] : [quotas.receivers].flat()
  return {
    id,
    name,
    apps: [apps].flat().join(', '),
    scopes: scopes.join(', '),
    expires: expiresAt ?? 'never',
    quotas: windows.map(({ count, seconds }) => `${count} receivers in ${seconds} s`).join(', ') || 'none',
    ...(user === null ? {} : { user }),
    created: `${createdAt} by ${createdBy}`,
    ...(rotatedAt === null ? {} : { rotated: rotatedAt }),
    ...(previousUntil === null ? {} : { 'previous until': previousUntil }),
  }
}

async function printKey({ out }: ClientContext, key: KeyAnswer): Promise<void> {
  await out.answer(key, fields(described(key)))
}

async function printSecret({ out }: ClientContext, { key, ...rest }: MadeKeyAnswer): Promise<void> {
  const told = fields({ ...described(rest), key })
  await out.answer({ ...rest, key }, `${told}\n\nKeep the key now: nobody can tell it again.`)
}

async function allKeys(ask: Ask): Promise<readonly KeyAnswer[]> {
  const keys: KeyAnswer[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await ask('GET', `/v1/keys?limit=1000${query}`)) as KeyList
    keys.push(...page.keys)
    cursor = page.cursor
  }
  return keys
}

export function register(root: Command, take: Take): void {
  const keys = root.command('keys').description('Provider keys of a running server.')
  listing(keys, take)
  making(keys, take)
  changing(keys, take)
}

function listing(keys: Command, take: Take): void {
  const all = describe(keys.command('list'), {
    about: 'List all keys, oldest first.',
    examples: ['keys list', 'keys list --json'],
  })
  all.action(() =>
    take(all, async ({ out, provider }) => {
      const known = await allKeys(await provider())
      const rows = known.map((key) => {
        const { id, name, apps, scopes, expires } = described(key)
        return [id ?? '', name ?? '', apps ?? '', scopes ?? '', expires ?? '']
      })
      await out.answer(known, columns(['id', 'name', 'apps', 'scopes', 'expires'], rows))
    }),
  )
  const show = describe(keys.command('show <id>'), { about: 'Show one key.', examples: ['keys show $KEY_ID'] })
  show.action((id: string) =>
    take(show, async (context) =>
      printKey(context, (await (await context.provider())('GET', pathOf(id))) as KeyAnswer),
    ),
  )
}

/** What a key has, as options. */
function addFields(command: Command, isNew: boolean): Command {
  const add = (flags: string, about: string, parse: (text: string) => unknown, isRequired = false) =>
    isRequired && isNew ? command.requiredOption(flags, about, parse) : command.option(flags, about, parse)
  add('--name <name>', 'name of the provider', filled, true)
  add('--apps <apps>', 'comma-separated apps it is for; * is every app', list, true)
  add('--scopes <scopes>', `what it may do, comma-separated: ${SCOPES.join(', ')}`, list, true)
  add('--expires-in <time>', 'when it expires, such as 90d; default never', duration)
  add('--quota <quota>', 'receivers in a time, such as 10000/1m; a comma and a second one enforce both', quota)
  add('--user <user>', 'user of the password file who becomes this provider over MQTT', filled)
  return command
}

function making(keys: Command, take: Take): void {
  const create = describe(keys.command('create'), {
    about: 'Create a key. It is shown only once.',
    examples: [
      'keys create --name shop --apps chat --scopes messages:send,tokens:issue --expires-in 90d',
      "keys create --name reports --apps '*' --scopes messages:read",
      'keys create --name news --apps chat --scopes messages:send --quota 10000/1m,1000000/1d',
    ],
  })
  addFields(create, true).action((options: Asked) =>
    take(create, async (context) => {
      const ask = await context.provider()
      await printSecret(context, (await ask('POST', '/v1/keys', bodyOf(options))) as MadeKeyAnswer)
    }),
  )
  const rotate = describe(keys.command('rotate <id>'), {
    about: 'Give a key a new secret, which is shown only once. The previous one works for another day.',
    examples: ['keys rotate $KEY_ID', 'keys rotate $KEY_ID --overlap 7d', 'keys rotate $KEY_ID --overlap 0'],
  })
  rotate.option('--overlap <time>', 'how long both work; 0 ends the previous one at once', duration)
  rotate.action((id: string, { overlap }: { readonly overlap?: number }) =>
    take(rotate, async (context) => {
      const ask = await context.provider()
      const body = overlap === undefined ? {} : { overlap }
      await printSecret(context, (await ask('POST', `${pathOf(id)}/rotate`, body)) as MadeKeyAnswer)
    }),
  )
}

function changing(keys: Command, take: Take): void {
  const change = describe(keys.command('change <id>'), {
    about: 'Change a key. Connections that lose a right are closed.',
    examples: ['keys change $KEY_ID --scopes messages:send', 'keys change $KEY_ID --expires-in 30d'],
  })
  addFields(change, false).action((id: string, options: Asked) =>
    take(change, async (context) => {
      const ask = await context.provider()
      await printKey(context, (await ask('PATCH', pathOf(id), bodyOf(options))) as KeyAnswer)
    }),
  )
  const revoke = describe(keys.command('revoke <id>'), {
    about: 'Remove a key, at once and for good.',
    examples: ['keys revoke $KEY_ID'],
  })
  revoke.action((id: string) =>
    take(revoke, async ({ out, provider }) => {
      await (await provider())('DELETE', pathOf(id))
      await out.answer({ id, revoked: true }, `${id} is revoked`)
    }),
  )
}
