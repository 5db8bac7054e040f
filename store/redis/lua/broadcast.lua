--[[
  The broadcast log of one app; every key of an app has one hash tag. The record of the app (KEY.app):
    run, last, head, count, bytes, gaps   as in token.lua and log.lua
    version                               changes with every change of the retained broadcasts
    dropped                               the highest offset of one that went because the log was full

  publish         base, app, entry, expires, payload bytes, retain, selector, message id, fingerprint or
                  false; with one, the id is remembered
                  -> RETAINED_LIMIT, ID_REUSED or { offset, duplicate, dropped, expired, of a duplicate when it expires instead }
  read_broadcast  base, after, entries, bytes  -> { read to, last, offset, entry, ..., dropped where something was }
  last_broadcast  base                         -> { last }
  retained_index  base, version known          -> { version } or { version, selector, offset, expires, ... }
                  expires 0: cleared, and it hides older ones
  retained_entry  base, selector               -> { } or { offset, entry }
]]
function parts.broadcast()
  local log = need('log')
  local wake = need('wakes')
  local steps = {}

  -- Of the log, see log.lua.
  local function gone(record, entry, offset, _, as)
    if as == DROPPED then record.dropped = math.max(record.dropped, offset) end
    if as > DROPPED then need('outcome').tally('broadcast', as, 1) end
    if string.byte(entry) > 1 then need('outcome').ended(record, entry, offset, as) end
  end

  local function app_of(base)
    local record = apps[base]
    if record == nil then
      local packed = call('GET', base .. KEY.app)
      local run, last, version, head, count, bytes, gaps, dropped = 0, 0, 0, 0, 0, 0, nil, nil
      if packed then run, last, version, head, count, bytes, gaps, dropped = unpack_packed(packed) end
      record = {
        base = base, entries = base .. KEY.log, serial = 0,
        run = run, last = last, version = version, head = head, count = count, bytes = bytes, gaps = gaps,
        dropped = dropped or 0, gone = gone,
      }
      apps[base] = record
    end
    return record
  end

  local function store_app(record)
    local r = record
    local packed
    if r.dropped > 0 then
      packed = pack(r.run, r.last, r.version, r.head, r.count, r.bytes, r.gaps or {}, r.dropped)
    elseif r.gaps then
      packed = pack(r.run, r.last, r.version, r.head, r.count, r.bytes, r.gaps)
    else
      packed = pack(r.run, r.last, r.version, r.head, r.count, r.bytes)
    end
    call('SET', r.base .. KEY.app, packed)
  end

  -- Selector -> { offset, expires }; cleared ones have expires 0.
  local function retained_of(record)
    local fields = call('HGETALL', record.base .. KEY.retainedIndex)
    local index, size = {}, 0
    for i = 1, #fields, 2 do
      index[fields[i]] = { unpack_packed(fields[i + 1]) }
      size = size + 1
    end
    return index, size
  end

  local function forget_retained(record, selector)
    call('HDEL', record.base .. KEY.retainedIndex, selector)
    call('HDEL', record.base .. KEY.retained, selector)
  end

  -- What a selector says of versions: tags stand before it, on a line of their own.
  local function versions_of(selector)
    if string.sub(selector, 1, 1) ~= '#' then return selector end
    return string.sub(selector, string.find(selector, '\n', 1, true) + 1)
  end

  local function may_meet(selector, other)
    local one, two = versions_of(selector), versions_of(other)
    local both_exact = string.sub(one, 1, 1) == '=' and string.sub(two, 1, 1) == '='
    return not both_exact or one == two
  end

  -- A cleared selector is kept only while an older retained entry with another selector could show through.
  local function hides(selector, offset, index)
    for other, entry in pairs(index) do
      if other ~= selector and entry[2] > 0 and entry[1] < offset and may_meet(selector, other) then return true end
    end
    return false
  end

  local function forget_needless(record, index)
    for selector, entry in pairs(index) do
      if entry[2] == 0 and not hides(selector, entry[1], index) then
        forget_retained(record, selector)
      end
    end
  end

  -- Room for one more selector? Every selector that is kept counts, cleared ones too.
  local function may_retain(record, selector, clears)
    if selector == '*' then return true end
    local size = call('HLEN', record.base .. KEY.retainedIndex)
    if size < LIMIT.retained_broadcasts or call('HEXISTS', record.base .. KEY.retainedIndex, selector) == 1 then return true end
    return clears and not hides(selector, math.huge, (retained_of(record)))
  end

  local function retain(record, selector, offset, expires, entry, clears)
    record.version, record.dirty = record.version + 1, true
    if selector == '*' then
      -- It is the last one for every version, so that no older one can be seen again.
      call('DEL', record.base .. KEY.retainedIndex)
      call('DEL', record.base .. KEY.retained)
      if clears then return end
    end
    local indexed = clears and 0 or expires
    call('HSET', record.base .. KEY.retainedIndex, selector, pack(offset, indexed))
    if not clears then
      call('HSET', record.base .. KEY.retained, selector, pack(offset, entry))
    else
      call('HDEL', record.base .. KEY.retained, selector)
      forget_needless(record, (retained_of(record)))
    end
  end

  -- Takes one out of what is retained: it hides older ones still, as one that was cleared does.
  local function forget_offset(record, offset)
    local index = retained_of(record)
    for selector, entry in pairs(index) do
      if entry[1] == offset and entry[2] > 0 then
        call('HSET', record.base .. KEY.retainedIndex, selector, pack(offset, 0))
        call('HDEL', record.base .. KEY.retained, selector)
        entry[2] = 0
        forget_needless(record, index)
        log.rebase(record)
        record.version, record.dirty = record.version + 1, true
        return
      end
    end
  end

  -- One with the same collapse key and the same selector ends.
  local function replace(record, app, entry)
    local replaced = need('removal').replace(record, entry)
    if replaced then wake.tell('', { 'y', app, replaced }) end
  end

  function steps.publish(step)
    local _, base, app, entry, expires, payload, retained, selector, message, fingerprint = unpack(step)
    local record = app_of(base)
    local known, forgotten
    if fingerprint then known, forgotten = need('ids').find(base .. KEY.ids, message) end
    if known then
      if need('ids').differs(known, fingerprint) then return 'ID_REUSED' end
      return { known.offset, true, 0, known.expires }
    end
    local clears = payload == 0
    if retained and not may_retain(record, selector, clears) then return 'RETAINED_LIMIT' end
    log.rebase(record)
    local collapses = string.byte(entry) > 3 and need('outcome').has(entry, need('outcome').COLLAPSE)
    if collapses then replace(record, app, entry) end
    local offset, dropped, expired = log.append(record, entry, payload, LIMIT.broadcast_messages, LIMIT.broadcast_bytes)
    if collapses then need('outcome').hold_key(record, entry, offset) end
    if fingerprint then
      need('ids').remember(base .. KEY.ids, message, offset, fingerprint, entry)
      -- It goes with its id, which is that of another one now.
      if forgotten then call('HDEL', base .. KEY.counts, forgotten) end
    end
    if retained then retain(record, selector, offset, expires, entry, clears) end
    wake.tell('', { 'b', app, offset, wake.carried('', entry) })
    return { offset, false, dropped, expired }
  end

  function steps.read_broadcast(step)
    local _, base, after, most, bytes = unpack(step)
    local record = app_of(base)
    local result = log.read(record, after, most, bytes)
    if record.dropped > 0 then result[#result + 1] = record.dropped end
    return result
  end

  function steps.last_broadcast(step) return { app_of(step[2]).last } end

  function steps.retained_index(step)
    local record = app_of(step[2])
    local result = { record.version }
    if record.version == step[3] then return result end
    for selector, entry in pairs((retained_of(record))) do
      result[#result + 1] = selector
      result[#result + 1] = entry[1]
      result[#result + 1] = entry[2]
    end
    return result
  end

  function steps.retained_entry(step)
    local packed = call('HGET', step[2] .. KEY.retained, step[3])
    if not packed then return {} end
    return { unpack_packed(packed) }
  end

  steps.app_of, steps.store, steps.retained_of, steps.forget_needless = app_of, store_app, retained_of, forget_needless
  steps.forget_offset = forget_offset
  return steps
end
