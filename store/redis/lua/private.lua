--[[
  append    base, id, app or '', entry, expires, payload bytes, retain, message id, dedupe
            -> TOKEN_UNKNOWN, TOKEN_REVOKED or { offset, duplicate, dropped, expired, wake this node }
  read      base, id, after, entries, bytes  -> { read to, last, offset, entry, ... }
  retained  base, id                         -> { } or { offset, entry }
  commit    base, id, epoch or 0, private or 0, broadcast or 0
            -> { refused, moved a session of this node, private cursor, broadcast cursor }
  follow    base, id, until                  -> { }; until 0: no more
]]

-- Nodes that want to hear of this log though they hold no session: { node, until, node, until, ... }
local FOLLOWERS = 4

local function followers_of(record)
  local packed = has(record, FOLLOWED) and call('HGET', record.base .. KEY.followers, record.serial)
  return packed and { unpack_packed(packed) } or {}
end

local function store_followers(record, followers)
  if #followers == 0 then
    call('HDEL', record.base .. KEY.followers, record.serial)
  else
    call('HSET', record.base .. KEY.followers, record.serial, pack(unpack(followers)))
  end
  set_flag(record, FOLLOWED, #followers > 0)
end

-- True when this node is one of those to wake: it has the entry already.
local function wake_for(record, offset, entry)
  local here = false
  local session = session_of(record)
  local holder = session and session.node or ''
  if holder == NODE then
    here = true
  elseif holder ~= '' then
    tell(holder, { 'a', record.id, offset, carried(holder, entry) })
  end
  if has(record, FOLLOWED) then
    local followers = followers_of(record)
    for i = 1, #followers, 2 do
      local node = followers[i]
      if node == NODE then
        here = true
      elseif node ~= holder and followers[i + 1] > NOW then
        tell(node, { 'a', record.id, offset, carried(node, entry) })
      end
    end
  end
  return here
end

function handlers.append(step)
  local _, base, id, app, entry, expires, payload, retain, message, dedupe = unpack(step)
  local record = record_of(base, id)
  if not record or (app ~= '' and app ~= record.app) then return 'TOKEN_UNKNOWN' end
  if has(record, REVOKED) then return 'TOKEN_REVOKED' end
  local ids = dedupe and base .. KEY.ids .. record.serial
  if dedupe and has(record, IDS) then
    local offset = remembered(ids, message)
    if offset then return { offset, true, 0, 0, false } end
  end
  rebase(record)
  local offset, dropped, expired = append_entry(record, entry, payload, PRIVATE_MESSAGES, PRIVATE_BYTES)
  local due = expires
  if dedupe then
    local till = math.max(NOW + DEDUPE_MS, expires)
    call('HSET', ids, message, pack(offset, till))
    set_flag(record, IDS, true)
  end
  if retain and payload == 0 then
    call('HDEL', base .. KEY.retained, record.serial)
    set_flag(record, RETAINED, false)
  elseif retain then
    call('HSET', base .. KEY.retained, record.serial, pack(offset, entry))
    set_flag(record, RETAINED, true)
  end
  sweep_at(record, due)
  return { offset, false, dropped, expired, wake_for(record, offset, entry) }
end

reads.read = true
function handlers.read(step)
  local _, base, id, after, most, bytes = unpack(step)
  local record = record_of(base, id)
  if not record then return { 0, 0 } end
  return read_entries(record, after, most, bytes)
end

reads.retained = true
function handlers.retained(step)
  local record = record_of(step[2], step[3])
  local packed = record and has(record, RETAINED) and call('HGET', record.base .. KEY.retained, record.serial)
  if not packed then return {} end
  return { unpack_packed(packed) }
end

function handlers.commit(step)
  local _, base, id, epoch, private, broadcast = unpack(step)
  local record = record_of(base, id)
  if not record then return { false, false, 0, 0 } end
  if epoch > 0 and epoch < record.epoch then return { true, false, record.cursor, record.broadcast } end
  local moved = false
  private = math.min(private, record.last)
  if private > record.cursor then
    trim(record, private)
    record.cursor, record.dirty, moved = private, true, true
  end
  if broadcast > record.broadcast then
    record.broadcast, record.dirty, moved = broadcast, true, true
  end
  local here = false
  if moved and epoch == 0 then
    local session = session_of(record)
    here = session ~= nil and session.node == NODE
    if session and session.node ~= '' and not here then
      tell(session.node, { 'c', id, record.cursor, record.broadcast })
    end
  end
  return { false, here, record.cursor, record.broadcast }
end

function handlers.follow(step)
  local _, base, id, till = unpack(step)
  local record = record_of(base, id)
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
    sweep_at(record, till)
  end
  if till > 0 or #kept < #followers then store_followers(record, kept) end
  return {}
end
