/** A token id, which leads to what is known of it. */
import { linkTo } from '../state/route.ts'
import { Plain } from './plain.tsx'

export function TokenLink({ tokenId }: { readonly tokenId: string }) {
  return (
    <a class="mono" href={linkTo('inspect', 'token', tokenId)}>
      <Plain>{tokenId}</Plain>
    </a>
  )
}
