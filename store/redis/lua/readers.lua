--[[
  The upstream log of an app in one partition, and its readers; and its event log, which has the same form, and a '/' before
  the app in its name. Its record (KEY.upstream: app -> record):
    format                        1
    run, last, head, count, bytes, gaps   as in token.lua and log.lua
    readers                       how many there are
    lowest, standing              the lowest of their cursors, and how many readers stand there: while others do, one of
                                  them may move on without a look at all the rest
    ends                          when the first reader ends; 0: none does
    due                           when something of it has to be swept; 0: nothing has
    nodes                         who listens: { node, until, node, until, ... }
    counted                       what is unread of each token id is kept, see shares.lua
    receipts                      it may hold receipts (outcome.lua), which stay also where nobody reads it
  A reader (KEY.readers: name -> reader): format, cursor, when it ends (0: never), missed messages.

  open_reader   base, app, reader, expires or 0, again, earliest -> { cursor, last, missed }; again: what was missed is not told;
                earliest: a new one begins with what is stored
  close_reader  base, app, reader                        -> { }
  move_reader   base, app, reader, cursor, missed        -> { known }; missed: so much of it has been told
  listen        base, until, app, app, ...               -> { }; until 0: no more
]]
function parts.readers()
  local log = need('log')
  local shares = need('shares')
  local steps = {}
  local FORMAT, READER = 1, '>BI6I6I6'
  -- Devices give different times to live, so that what has expired lies behind what has not: a sweep looks further.
  local STRETCH = 16
  -- Of an entry, as in outcome.lua.
  local RECEIPT = 4

  local function is_event_log(name) return string.byte(name) == 47 end

  local function readers_of(record) return record.base .. KEY.readers .. record.app end
  local function claims_of(record, reader) return record.base .. KEY.claims .. record.app .. '/' .. reader end

  -- `dropped`: the offsets of what went because the log was full.
  local function gone(record, entry, offset, payload, as)
    if record.counted then shares.give_back(record, entry, payload) end
    if as == DROPPED and record.dropped then record.dropped[#record.dropped + 1] = offset end
  end

  local function of(base, app)
    local record = upstreams[base .. app]
    if record then return record end
    record = {
      base = base, app = app, entries = base .. KEY.upstreamLog .. app, serial = 0, gone = gone, run = 0, last = 0, head = 0,
      count = 0, bytes = 0, readers = 0, lowest = 0, standing = 0, ends = 0, due = 0, nodes = {}, counted = false,
      receipts = false, unread = {}, owed = {},
    }
    local packed, _ = call('HGET', base .. KEY.upstream, app), nil
    if packed then
      _, record.run, record.last, record.head, record.count, record.bytes, record.readers, record.lowest, record.standing,
        record.ends, record.due, record.nodes, record.counted, record.gaps, record.receipts = unpack_packed(packed)
      record.gaps = record.gaps or nil
    end
    upstreams[base .. app] = record
    return record
  end

  local function store(record)
    local r = record
    shares.write(r)
    local packed = pack(
      FORMAT, r.run, r.last, r.head, r.count, r.bytes, r.readers, r.lowest, r.standing, r.ends, r.due, r.nodes, r.counted,
      r.gaps or false, r.count > 0 and r.receipts
    )
    call('HSET', r.base .. KEY.upstream, r.app, packed)
    r.dirty = false
  end

  -- A name of two characters at least in the index of the partition; buckets have one.
  local function sweep_at(record, time)
    if record.due > 0 and record.due <= time then return end
    record.due, record.dirty = time, true
    call('ZADD', record.base .. KEY.due, 'LT', time, 'u' .. record.app)
  end

  local function clear(record)
    unwritten[record.entries] = nil
    call('UNLINK', record.entries)
    log.forget_entries(record)
    record.dirty = true
    if record.counted then shares.forget(record) end
  end

  -- All but receipts.
  local function keep_receipts(record)
    local from = record.head
    while record.count > 0 and from <= record.last do
      local offsets, fields, following = log.span(record, from, record.last, 128)
      if #offsets == 0 then break end
      local entries, kept = call('HMGET', log.entries_of(record), unpack(fields)), {}
      for i = 1, #offsets do kept[offsets[i]] = entries[i] and bit.band(string.byte(entries[i]), RECEIPT) ~= 0 end
      log.remove_between(record, offsets[1], offsets[#offsets], kept)
      from = following
    end
  end

  -- Up to the lowest cursor.
  local function trim(record)
    if record.count == 0 or record.lowest < record.head then return end
    if record.readers == 0 and record.receipts then return keep_receipts(record) end
    if record.lowest >= record.last then return clear(record) end
    log.trim(record, record.lowest)
    shares.forget_few(record)
  end

  -- How many readers there are, where the last of them stand, and when the first ends.
  local function look_at(record, readers)
    record.readers, record.lowest, record.standing, record.ends, record.dirty = #readers, record.last, 0, 0, true
    for _, reader in ipairs(readers) do
      local _, cursor, expires = struct.unpack(READER, reader)
      if cursor < record.lowest then
        record.lowest, record.standing = cursor, 1
      elseif cursor == record.lowest then
        record.standing = record.standing + 1
      end
      if expires > 0 and (record.ends == 0 or expires < record.ends) then record.ends = expires end
    end
    trim(record)
  end

  -- A reader no longer stands there.
  local function left(record, cursor)
    if cursor > record.lowest then return end
    record.standing, record.dirty = record.standing - 1, true
    if record.standing <= 0 then look_at(record, call('HVALS', readers_of(record))) end
  end

  -- Readers whose time has come, so that nobody keeps anything for them.
  local function expire(record)
    if record.ends == 0 or record.ends > NOW then return end
    local fields, kept = call('HGETALL', readers_of(record)), {}
    for i = 1, #fields, 2 do
      local _, _, expires = struct.unpack(READER, fields[i + 1])
      if expires > 0 and expires <= NOW then
        call('HDEL', readers_of(record), fields[i])
        call('DEL', claims_of(record, fields[i]))
      else
        kept[#kept + 1] = fields[i + 1]
      end
    end
    look_at(record, kept)
    if #kept == 0 then sweep_at(record, NOW) end
  end

  -- The log was full: who had not passed what went is told how much it was.
  local function count_missed(record, dropped)
    local fields, changed = call('HGETALL', readers_of(record)), {}
    for i = 1, #fields, 2 do
      local _, cursor, expires, missed = struct.unpack(READER, fields[i + 1])
      local before = missed
      for _, offset in ipairs(dropped) do
        if offset > cursor then missed = missed + 1 end
      end
      if missed > before then
        changed[#changed + 1] = fields[i]
        changed[#changed + 1] = struct.pack(READER, FORMAT, cursor, expires, missed)
      end
      if #changed >= 256 then
        call('HSET', readers_of(record), unpack(changed))
        changed = {}
      end
    end
    if #changed > 0 then call('HSET', readers_of(record), unpack(changed)) end
  end

  -- { cursor, expires, missed } of a reader that is known.
  local function find(record, name)
    expire(record)
    local packed = record.readers > 0 and call('HGET', readers_of(record), name)
    if not packed then return nil end
    local _, cursor, expires, missed = struct.unpack(READER, packed)
    return { cursor = cursor, expires = expires, missed = missed }
  end

  local function keep(record, name, reader)
    call('HSET', readers_of(record), name, struct.pack(READER, FORMAT, reader.cursor, reader.expires, reader.missed))
  end

  -- `told`: so much of what it missed.
  local function move(record, name, reader, cursor, told)
    if cursor <= reader.cursor then return end
    local from = reader.cursor
    reader.cursor, reader.missed = cursor, math.max(0, reader.missed - (told or 0))
    keep(record, name, reader)
    if record.readers > 1 then return left(record, from) end
    record.lowest, record.dirty = cursor, true
    trim(record)
  end

  local function join(record, cursor)
    if record.readers == 0 or cursor < record.lowest then record.lowest, record.standing = cursor, 0 end
    if cursor == record.lowest then record.standing = record.standing + 1 end
    record.readers, record.dirty = record.readers + 1, true
  end

  function steps.open_reader(step)
    local _, base, app, name, expires, again, earliest = unpack(step)
    local record = of(base, app)
    log.rebase(record)
    local reader = find(record, name)
    local is_new = reader == nil
    if is_new then
      local begins = earliest and record.count > 0 and record.head - 1 or record.last
      reader = { cursor = begins, expires = expires, missed = 0 }
      join(record, reader.cursor)
    end
    local missed, till = reader.missed, reader.expires
    if not again then reader.missed = 0 end
    if till > 0 and (expires == 0 or expires > till) then reader.expires = expires end
    if is_new or missed > reader.missed or till ~= reader.expires then keep(record, name, reader) end
    if reader.expires > 0 then
      if record.ends == 0 or reader.expires < record.ends then record.ends, record.dirty = reader.expires, true end
      sweep_at(record, reader.expires)
    end
    return { reader.cursor, record.last, again and 0 or missed }
  end

  function steps.close_reader(step)
    local _, base, app, name = unpack(step)
    local record = of(base, app)
    local reader = find(record, name)
    if not reader then return {} end
    call('HDEL', readers_of(record), name)
    call('DEL', claims_of(record, name))
    record.readers, record.dirty = record.readers - 1, true
    if record.readers == 0 then
      look_at(record, {})
      sweep_at(record, NOW)
    else
      left(record, reader.cursor)
    end
    return {}
  end

  function steps.move_reader(step)
    local _, base, app, name, cursor, told = unpack(step)
    local record = of(base, app)
    local reader = find(record, name)
    if not reader then return { false } end
    move(record, name, reader, math.min(cursor, record.last), told)
    return { true }
  end

  -- Those whose lease has not ended, without one of them.
  local function listening(record, without)
    local kept, nodes = {}, record.nodes
    for i = 1, #nodes, 2 do
      if nodes[i] ~= without and nodes[i + 1] > NOW then
        kept[#kept + 1] = nodes[i]
        kept[#kept + 1] = nodes[i + 1]
      end
    end
    return kept
  end

  function steps.listen(step)
    local base, till = step[2], step[3]
    for i = 4, #step do
      local record = of(base, step[i])
      local nodes = listening(record, NODE)
      if till > 0 then
        nodes[#nodes + 1] = NODE
        nodes[#nodes + 1] = till
        sweep_at(record, till)
      elseif #nodes == 0 and #record.nodes > 0 then
        sweep_at(record, NOW)
      end
      if till > 0 or #nodes < #record.nodes then record.nodes, record.dirty = nodes, true end
    end
    return {}
  end

  -- Returns how many messages had expired.
  local function sweep(base, app)
    local record = of(base, app)
    expire(record)
    record.nodes, record.dirty = listening(record), true
    local expired, next_look = need('expiry').entries(record, STRETCH)
    shares.forget_few(record)
    -- A log that begins again does so above all offsets of this one.
    if record.readers == 0 and #record.nodes == 0 and record.count == 0 and record.last <= ticks() then
      clear(record)
      call('HDEL', base .. KEY.upstream, app)
      call('ZREM', base .. KEY.due, 'u' .. app)
      record.dirty, upstreams[base .. app] = false, nil
      return expired
    end
    if record.ends > 0 then next_look = math.min(next_look, record.ends) end
    for i = 2, #record.nodes, 2 do next_look = math.min(next_look, record.nodes[i]) end
    if record.readers == 0 and #record.nodes == 0 and record.count == 0 then next_look = NOW + 60000 end
    record.due = next_look == math.huge and 0 or next_look
    if record.due == 0 then
      call('ZREM', base .. KEY.due, 'u' .. app)
    else
      call('ZADD', base .. KEY.due, record.due, 'u' .. app)
    end
    return expired
  end

  steps.of, steps.store, steps.sweep_at, steps.sweep, steps.find, steps.move = of, store, sweep_at, sweep, find, move
  steps.expire, steps.count_missed, steps.claims_of, steps.readers_of = expire, count_missed, claims_of, readers_of
  steps.is_event_log, steps.READER = is_event_log, READER
  return steps
end
