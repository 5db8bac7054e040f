/** Provider keys of the store. */
import { useState } from 'preact/hooks'
import { call, part } from '../api/client.ts'
import type { Key, KeyList, MadeKey } from '../api/types.ts'
import { Card, Confirm, Empty, Failure, Notice, Refresh, Secret, Time } from '../parts/basics.tsx'
import { Check, Field, Form, listed } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { useAction, useLoad } from '../state/call.ts'
import { useSigned } from '../state/context.ts'

export function Keys() {
  const [{ value, error }, again] = useLoad('keys', (signal) =>
    call<KeyList>('GET', 'keys', { query: { limit: 200 }, signal }),
  )
  const [rotated, setRotated] = useState<MadeKey>()
  return (
    <>
      <Card title="Keys" aside={<Refresh again={again} />}>
        <Failure error={error} retry={again} />
        {rotated !== undefined && <NewSecret made={rotated} />}
        {value?.keys.length === 0 && (
          <Empty title="No keys in the store">
            Make one for each back end, with the apps and scopes that it needs. Keys of the configuration are not
            listed.
          </Empty>
        )}
        {value !== undefined && value.keys.length > 0 && (
          <Table label="Keys" columns={['Name', 'Id', 'Apps', 'Scopes', 'Made', 'Ends', '(Actions)']}>
            {value.keys.map((key) => (
              <KeyRow key={key.id} of={key} done={again} rotated={setRotated} />
            ))}
          </Table>
        )}
      </Card>
      <Make done={again} />
    </>
  )
}

interface KeyRowProps {
  readonly of: Key
  readonly done: () => void
  readonly rotated: (made: MadeKey) => void
}

function KeyRow({ of: { id, name, apps, scopes, createdAt, expiresAt, previousUntil }, done, rotated }: KeyRowProps) {
  return (
    <tr>
      <td>
        <Plain>{name}</Plain>
      </td>
      <td class="mono">
        <Plain>{id}</Plain>
      </td>
      <td>{apps === '*' ? 'every app' : <Plain wraps>{apps.join(', ')}</Plain>}</td>
      <td>
        {scopes.map((scope) => (
          <span class="tag" key={scope}>
            {scope}
          </span>
        ))}
      </td>
      <td>
        <Time at={createdAt} />
      </td>
      <td>
        <Time at={expiresAt} />
        {previousUntil !== null && (
          <div class="muted small-text">
            old secret ends <Time at={previousUntil} />
          </div>
        )}
      </td>
      <td>
        <KeyActions id={id} name={name} done={done} rotated={rotated} />
      </td>
    </tr>
  )
}

interface KeyActionsProps extends Pick<KeyRowProps, 'done' | 'rotated'> {
  readonly id: string
  readonly name: string
}

function KeyActions({ id, name, done, rotated }: KeyActionsProps) {
  const [rotating, rotate] = useAction(async () => {
    rotated(await call<MadeKey>('POST', `keys/${part(id)}/rotate`, { body: {} }))
    done()
  })
  const [removing, remove] = useAction(async () => {
    await call('DELETE', `keys/${part(id)}`)
    done()
  })
  const whose = (
    <strong>
      <Plain>{name}</Plain>
    </strong>
  )
  return (
    <>
      <Failure error={rotating.error ?? removing.error} />
      <div class="row">
        <Confirm
          label="Rotate"
          title="Replace the secret of this key?"
          isSmall
          isCalm
          isBusy={rotating.isBusy}
          confirm={rotate}
        >
          <p>{whose} gets a new secret. The one of now is taken for another day.</p>
        </Confirm>
        <Confirm label="Delete" title="Delete this key?" isSmall isBusy={removing.isBusy} confirm={remove}>
          <p>{whose} is refused at once on every node, and its connections and sessions here end.</p>
        </Confirm>
      </div>
    </>
  )
}

function Make({ done }: { readonly done: () => void }) {
  const { session } = useSigned()
  const [name, setName] = useState('')
  const [apps, setApps] = useState(session.apps === '*' ? '' : session.apps.join(', '))
  const [days, setDays] = useState('')
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set())
  const [making, make] = useAction(async () => {
    const body = {
      name,
      apps: apps.trim() === '*' ? '*' : listed(apps),
      scopes: [...scopes],
      ...(days === '' ? {} : { expiresIn: Math.round(Number(days) * 86_400) }),
    }
    const made = await call<MadeKey>('POST', 'keys', { body })
    done()
    return made
  })
  const toggle = (scope: string, isOn: boolean) => {
    const changed = new Set(scopes)
    if (isOn) changed.add(scope)
    else changed.delete(scope)
    setScopes(changed)
  }
  return (
    <Card title="Make a key">
      <Form label="Make a key" submit={make}>
        <div class="grid-3">
          <Field label="Name of the provider" value={name} set={setName} isRequired />
          <Field label="Apps" value={apps} set={setApps} hint="With commas; * is every app." isRequired />
          <Field label="Ends after" value={days} set={setDays} type="number" hint="Days; empty: never." />
        </div>
        <fieldset class="choice">
          <legend>Scopes</legend>
          <div class="row wrap">
            {session.scopes.map((scope) => (
              <Check key={scope} label={scope} isOn={scopes.has(scope)} set={(isOn) => toggle(scope, isOn)} />
            ))}
          </div>
        </fieldset>
        <div class="row end">
          <button type="submit" class="primary" disabled={making.isBusy || scopes.size === 0}>
            Make a key
          </button>
        </div>
      </Form>
      <Failure error={making.error} />
      {making.value !== undefined && <NewSecret made={making.value} />}
    </Card>
  )
}

function NewSecret({ made: { name, key } }: { readonly made: MadeKey }) {
  return (
    <>
      <Notice kind="good">
        The key of <Plain>{name}</Plain>. It is shown here only: the server keeps a hash of it.
      </Notice>
      <Secret label="Provider key" text={key} />
    </>
  )
}
