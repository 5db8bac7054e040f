--[[
  append    base, id, app or '', entry, expires, payload bytes, retain, message id, dedupe
            -> TOKEN_UNKNOWN, TOKEN_REVOKED or { offset, duplicate, dropped, expired, wake this node }
  read      base, id, after, entries, bytes  -> { read to, last, offset, entry, ... }
  retained  base, id                         -> { } or { offset, entry }
  commit    base, id, epoch or 0, private or 0, broadcast or 0
            -> { refused, moved a session of this node, private cursor, broadcast cursor }
  follow    base, id, until                  -> { }; until 0: no more
]]
function parts.private()
  local token = need('token')
  local log = need('log')
  local wake = need('wakes')
  local holder = need('holder')
  local steps = {}

  -- Nodes that want to hear of this log though they hold no session: { node, until, node, until, ... }
  local FOLLOWERS = 4

  local function followers_of(record)
    local packed = token.has(record, token.FOLLOWED) and call('HGET', record.base .. KEY.followers, record.serial)
    return packed and { unpack_packed(packed) } or {}
  end

  local function store_followers(record, followers)
    if #followers == 0 then
      call('HDEL', record.base .. KEY.followers, record.serial)
    else
      call('HSET', record.base .. KEY.followers, record.serial, pack(unpack(followers)))
    end
    token.set_flag(record, token.FOLLOWED, #followers > 0)
  end

  -- True when this node is one of those to wake: it has the entry already.
  local function wake_for(record, offset, entry)
    local here = false
    local session = holder.of(record)
    local holder = session and session.node or ''
    if holder == NODE then
      here = true
    elseif holder ~= '' then
      wake.tell(holder, { 'a', record.id, offset, wake.carried(holder, entry) })
    end
    if token.has(record, token.FOLLOWED) then
      local followers = followers_of(record)
      for i = 1, #followers, 2 do
        local node = followers[i]
        if node == NODE then
          here = true
        elseif node ~= holder and followers[i + 1] > NOW then
          wake.tell(node, { 'a', record.id, offset, wake.carried(node, entry) })
        end
      end
    end
    return here
  end

  function steps.append(step)
    local _, base, id, app, entry, expires, payload, retain, message, dedupe = unpack(step)
    local record = token.of(base, id)
    if not record or (app ~= '' and app ~= record.app) then return 'TOKEN_UNKNOWN' end
    if token.has(record, token.REVOKED) then return 'TOKEN_REVOKED' end
    local ids = dedupe and base .. KEY.ids .. record.serial
    if dedupe and token.has(record, token.IDS) then
      local offset = log.remembered(ids, message)
      if offset then return { offset, true, 0, 0, false } end
    end
    log.rebase(record)
    local offset, dropped, expired = log.append(record, entry, payload, LIMIT.private_messages, LIMIT.private_bytes)
    local due = expires
    if dedupe then
      local till = math.max(NOW + LIMIT.dedupe_ms, expires)
      call('HSET', ids, message, pack(offset, till))
      token.set_flag(record, token.IDS, true)
    end
    if retain and payload == 0 then
      call('HDEL', base .. KEY.retained, record.serial)
      token.set_flag(record, token.RETAINED, false)
    elseif retain then
      call('HSET', base .. KEY.retained, record.serial, pack(offset, entry))
      token.set_flag(record, token.RETAINED, true)
    end
    token.sweep_at(record, due)
    return { offset, false, dropped, expired, wake_for(record, offset, entry) }
  end

  function steps.read(step)
    local _, base, id, after, most, bytes = unpack(step)
    local record = token.of(base, id)
    if not record then return { 0, 0 } end
    return log.read(record, after, most, bytes)
  end

  function steps.retained(step)
    local record = token.of(step[2], step[3])
    local packed = record and token.has(record, token.RETAINED) and call('HGET', record.base .. KEY.retained, record.serial)
    if not packed then return {} end
    return { unpack_packed(packed) }
  end

  function steps.commit(step)
    local _, base, id, epoch, private, broadcast = unpack(step)
    local record = token.of(base, id)
    if not record then return { false, false, 0, 0 } end
    if epoch > 0 and epoch < record.epoch then return { true, false, record.cursor, record.broadcast } end
    local moved = false
    private = math.min(private, record.last)
    if private > record.cursor then
      log.trim(record, private)
      record.cursor, record.dirty, moved = private, true, true
    end
    if broadcast > record.broadcast then
      record.broadcast, record.dirty, moved = broadcast, true, true
    end
    local here = false
    if moved and epoch == 0 then
      local session = holder.of(record)
      here = session ~= nil and session.node == NODE
      if session and session.node ~= '' and not here then
        wake.tell(session.node, { 'c', id, record.cursor, record.broadcast })
      end
    end
    return { false, here, record.cursor, record.broadcast }
  end

  function steps.follow(step)
    local _, base, id, till = unpack(step)
    local record = token.of(base, id)
    if not record then return {} end
    local followers, kept = followers_of(record), {}
    for i = 1, #followers, 2 do
      if followers[i] ~= NODE and followers[i + 1] > NOW then
        kept[#kept + 1] = followers[i]
        kept[#kept + 1] = followers[i + 1]
      end
    end
    if till > 0 then
      while #kept >= 2 * FOLLOWERS do
        table.remove(kept, 1)
        table.remove(kept, 1)
      end
      kept[#kept + 1] = NODE
      kept[#kept + 1] = till
      token.sweep_at(record, till)
    end
    if till > 0 or #kept < #followers then store_followers(record, kept) end
    return {}
  end

  steps.followers_of, steps.store_followers = followers_of, store_followers
  return steps
end
