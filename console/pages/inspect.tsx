/** Looking up: one token, the devices of an account, or the tokens of an app. */
import { useState } from 'preact/hooks'
import { call } from '../api/client.ts'
import type { ListedToken, TokenList } from '../api/types.ts'
import { Card, Confirm, Empty, Failure, Notice, State, Time } from '../parts/basics.tsx'
import { Choice, Field, Form } from '../parts/form.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { TokenLink } from '../parts/token-link.tsx'
import { useAction } from '../state/call.ts'
import { useMay } from '../state/context.ts'
import { linkTo } from '../state/route.ts'
import { tokenIdIn } from '../state/token-id.ts'
import { InspectedTokenPage } from './token.tsx'

export function Inspect({ rest: [kind, first = '', second = ''] }: { readonly rest: readonly string[] }) {
  return (
    <>
      <Search kind={kind === 'app' ? 'app' : 'token'} first={first} second={second} />
      {kind === 'token' && first !== '' && <InspectedTokenPage tokenId={first} key={first} />}
      {kind === 'app' && first !== '' && <Tokens app={first} account={second} key={`${first}/${second}`} />}
      {first === '' && (
        <Empty title="Who is it about?">
          A token id or a whole message token shows one device: its session, what it has acknowledged, and what waits
          for it. An app lists its tokens; with an account, the devices on which that is logged in.
        </Empty>
      )}
    </>
  )
}

interface SearchProps {
  readonly kind: 'token' | 'app'
  readonly first: string
  readonly second: string
}

function Search({ kind: asked, first, second }: SearchProps) {
  const [kind, setKind] = useState(asked)
  const [token, setToken] = useState(asked === 'token' ? first : '')
  const [app, setApp] = useState(asked === 'app' ? first : '')
  const [account, setAccount] = useState(second)
  const submit = () => {
    if (kind === 'token') location.hash = linkTo('inspect', 'token', tokenIdIn(token))
    else location.hash = account === '' ? linkTo('inspect', 'app', app) : linkTo('inspect', 'app', app, account)
  }
  return (
    <Form label="Look up" submit={submit}>
      <div class="row search">
        <Choice
          label="Look up"
          value={kind}
          set={setKind}
          options={[
            ['token', 'Token'],
            ['app', 'App or account'],
          ]}
        />
        {kind === 'token' ? (
          <Field label="Token id, or message token" value={token} set={setToken} isRequired />
        ) : (
          <>
            <Field label="App" value={app} set={setApp} isRequired />
            <Field label="Account" value={account} set={setAccount} />
          </>
        )}
        <button type="submit" class="primary">
          Look up
        </button>
      </div>
    </Form>
  )
}

/** Page by page: an app may have millions. A page may be short, and there is more while it has a cursor. */
function Tokens({ app, account }: { readonly app: string; readonly account: string }) {
  const [tokens, setTokens] = useState<readonly ListedToken[]>([])
  const [cursor, setCursor] = useState<string | null>()
  const [loading, load] = useAction(async (after: string | undefined) => {
    const query = { app, ...(account === '' ? {} : { account }), limit: 100, cursor: after }
    const page = await call<TokenList>('GET', 'tokens', { query })
    setTokens((before) => [...(after === undefined ? [] : before), ...page.tokens])
    setCursor(page.cursor)
  })
  const [isBegun, setIsBegun] = useState(false)
  if (!isBegun) {
    setIsBegun(true)
    load(undefined)
  }
  const title = account === '' ? `Tokens of ${app}` : `Devices of ${account} on ${app}`
  return (
    <Card title={title} aside={<RevokeAll app={app} account={account} done={() => load(undefined)} />}>
      <Failure error={loading.error} retry={() => load(undefined)} />
      {tokens.length > 0 && <TokenTable label={title} tokens={tokens} />}
      {tokens.length === 0 && loading.isBusy && <p class="muted">Loading…</p>}
      {tokens.length === 0 && cursor === null && !loading.isBusy && (
        <Empty title="No tokens">
          {account === ''
            ? 'Nobody has been issued a token for this app.'
            : 'This account is not logged in on any device of this app.'}
        </Empty>
      )}
      {typeof cursor === 'string' && (
        <button type="button" disabled={loading.isBusy} onClick={() => load(cursor)}>
          Look further
        </button>
      )}
    </Card>
  )
}

function TokenTable({ label, tokens }: { readonly label: string; readonly tokens: readonly ListedToken[] }) {
  return (
    <Table label={label} columns={['Token id', 'State', 'Version', 'Tags', 'Last seen', 'Ends']}>
      {tokens.map(({ tokenId, state, version, tags, lastSeen, expiresAt }) => (
        <tr key={tokenId}>
          <td>
            <TokenLink tokenId={tokenId} />
          </td>
          <td>
            <State of={state} />
          </td>
          <td>{version === null ? <span class="muted">none</span> : <Plain>{version}</Plain>}</td>
          <td>
            {tags.map((tag) => (
              <span class="tag" key={tag}>
                <Plain>{tag}</Plain>
              </span>
            ))}
          </td>
          <td>
            <Time at={lastSeen} />
          </td>
          <td>
            <Time at={expiresAt} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

interface RevokeAllProps {
  readonly app: string
  readonly account: string
  readonly done: () => void
}

function RevokeAll({ app, account, done }: RevokeAllProps) {
  const may = useMay()
  const [revoking, revoke] = useAction(async () => {
    await call('POST', 'tokens/revoke', { body: { app, ...(account === '' ? {} : { account }) } })
    done()
    return true
  })
  if (!may('tokens:revoke')) return null
  return (
    <>
      {revoking.value === true && <Notice kind="good">All of them are revoked.</Notice>}
      <Failure error={revoking.error} />
      <Confirm label="Revoke all" title="Revoke all of these tokens?" isBusy={revoking.isBusy} confirm={revoke}>
        <p>
          Every token of{' '}
          <strong>
            <Plain>{account === '' ? app : `${account} on ${app}`}</Plain>
          </strong>{' '}
          is refused at once and for good, and connections are closed. What is pending stays for tokens issued later.
        </p>
      </Confirm>
    </>
  )
}
