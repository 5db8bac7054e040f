--[[
  Entries of a private log that came through a Web Push endpoint (../../web-push-contract.ts): their first byte has the flag 16
  beside those of outcome.lua. They never make others go, and the record of their token id counts them.

  append_web_push  base, id, generation, entry
                   -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, WEB_PUSH_FULL, or as append (private.lua)
]]
function parts.web_push()
  local token = need('token')
  local log = need('log')
  local removal = need('removal')
  local steps = {}

  -- Those of whoever sends with a key are not made to go for one that anybody may send.
  function steps.append(record, entry, payload)
    local offset = log.append(record, entry, payload, math.huge, math.huge)
    record.web_push, record.web_push_bytes = (record.web_push or 0) + 1, (record.web_push_bytes or 0) + payload
    return offset
  end

  function steps.gone(record, payload)
    -- With the last entry of the log, it is forgotten already.
    if not record.web_push then return end
    record.web_push, record.web_push_bytes = record.web_push - 1, record.web_push_bytes - payload
    if record.web_push == 0 then record.web_push, record.web_push_bytes = nil, nil end
  end

  function steps.append_web_push(step)
    local _, base, id, generation, entry = unpack(step)
    local record = token.of(base, id)
    local refused = token.refusal(record, generation)
    if refused then return refused end
    if (record.web_push or 0) >= LIMIT.web_push_messages and not removal.finds_older(record, entry) then return 'WEB_PUSH_FULL' end
    return need('private').append({ 'append', base, id, '', true, entry, false })
  end

  return steps
end
