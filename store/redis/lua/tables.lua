--[[
  Small tables, each under a hash tag of its own. The record (KEY.table): { version, run, version of the newest change,
  removals after this version are known, the first version since there was nothing }. KEY.rows: hash of key -> { version of the newest change, when it ends (0: never),
  value }; KEY.rowKeys: the same keys, in the order of their bytes; KEY.rowChanges: by the version of their newest change;
  KEY.rowsDue: by when they end. KEY.rowsRemoved: keys of rows that were removed, by the version of that.

  write_row     base, table, key, value or false, expires, expected version or -1, urgent
                -> { version, or false where another one is there } or FULL (for a row that is not there, and not urgent)
  read_row      base, key            -> { } or { version, expires, value }
  read_rows     base, after, most    -> { key to go on after, or false at the end, key, version, expires, value, ... }
  table_end     base                 -> { version }
  read_changes  base, after, most    -> { } where removals are not known, or
                { read to, version of the newest, key, version, expires, value or false where it is gone, ... }
]]
function parts.tables()
  local log = need('log')
  local wake = need('wakes')
  local steps = {}
  local VERSION, MOST_REMOVED, DUE, DUE_OF_SWEEP, PAGE, MOST_LOOKED = 1, 10000, 16, 256, 128, 1024
  local tables
  each_batch(function() tables = {} end)

  local function text(number) return string.format('%.0f', number) end

  local function of(base)
    local known = tables[base]
    if known then return known end
    local record = { base = base, run = 0, last = 0, since = 0, first = 0, count = 0 }
    local packed, _ = call('GET', base .. KEY.table), nil
    if packed then
      _, record.run, record.last, record.since, record.first = unpack_packed(packed)
      record.first = record.first or 0
    end
    tables[base] = record
    return record
  end

  local function row_of(base, key)
    local packed = call('HGET', base .. KEY.rows, key)
    if not packed then return nil end
    local version, expires, value = unpack_packed(packed)
    if expires > 0 and expires <= NOW then return nil end
    return { version = version, expires = expires, value = value }
  end

  local function drop(base, key)
    call('HDEL', base .. KEY.rows, key)
    call('ZREM', base .. KEY.rowKeys, key)
    call('ZREM', base .. KEY.rowChanges, key)
    call('ZREM', base .. KEY.rowsDue, key)
  end

  -- At most so many of those that ended before; true: there may be more.
  local function drop_expired(base, before, most)
    local due = call('ZRANGEBYSCORE', base .. KEY.rowsDue, '-inf', text(before), 'LIMIT', 0, most)
    for _, key in ipairs(due) do drop(base, key) end
    return #due == most
  end

  local function put(base, version, key, value, expires)
    call('HSET', base .. KEY.rows, key, pack(version, expires, value))
    call('ZADD', base .. KEY.rowKeys, 0, key)
    call('ZADD', base .. KEY.rowChanges, text(version), key)
    call('ZREM', base .. KEY.rowsRemoved, key)
    if expires > 0 then
      call('ZADD', base .. KEY.rowsDue, text(expires), key)
    else
      call('ZREM', base .. KEY.rowsDue, key)
    end
  end

  local function remove(record, version, key)
    local base = record.base
    drop(base, key)
    call('ZADD', base .. KEY.rowsRemoved, text(version), key)
    while call('ZCARD', base .. KEY.rowsRemoved) > MOST_REMOVED do
      record.since = tonumber(call('ZPOPMIN', base .. KEY.rowsRemoved)[2])
    end
  end

  function steps.write_row(step)
    local _, base, name, key, value, expires, expected, urgent = unpack(step)
    local before = row_of(base, key)
    if expected >= 0 and expected ~= (before and before.version or 0) then return { false } end
    if FULL and value and not before and not urgent then return 'FULL' end
    local record = of(base)
    if not value and not before then return { record.last } end
    local last = record.last
    log.rebase(record)
    -- Something may have been lost: who follows reads all of it again.
    if record.last ~= last and last > 0 then record.since = record.last end
    local version = record.last + 1
    record.last = version
    if last == 0 then record.first = version end
    drop_expired(base, NOW, DUE)
    if value then
      put(base, version, key, value, expires)
    else
      remove(record, version, key)
    end
    call('SET', base .. KEY.table, pack(VERSION, record.run, record.last, record.since, record.first))
    wake.tell('', { 'r', name, version })
    return { version }
  end

  function steps.read_row(step)
    local row = row_of(step[2], step[3])
    if not row then return {} end
    return { row.version, row.expires, row.value }
  end

  -- However many have ended and lie there still, it looks at so many.
  function steps.read_rows(step)
    local _, base, after, most = unpack(step)
    local result, count, looked = { false }, 0, 0
    while count < most and looked < MOST_LOOKED do
      local from = after == '' and '-' or '(' .. after
      local keys = call('ZRANGEBYLEX', base .. KEY.rowKeys, from, '+', 'LIMIT', 0, math.min(PAGE, most - count))
      if #keys == 0 then return result end
      for _, key in ipairs(keys) do
        local row = row_of(base, key)
        if row then
          count = count + 1
          for _, each in ipairs({ key, row.version, row.expires, row.value }) do result[#result + 1] = each end
        end
      end
      after, looked = keys[#keys], looked + #keys
    end
    result[1] = after
    return result
  end

  function steps.table_end(step) return { of(step[2]).last } end

  local function changed(base, kind, after, most)
    return call('ZRANGEBYSCORE', base .. kind, '(' .. text(after), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  end

  function steps.read_changes(step)
    local _, base, after, most = unpack(step)
    local record = of(base)
    -- Who has something of before the first version follows a table that was lost.
    if after < record.since or after > record.last or after > 0 and after < record.first then return {} end
    local found = {}
    for _, kind in ipairs({ KEY.rowChanges, KEY.rowsRemoved }) do
      local flat = changed(base, kind, after, most)
      for i = 1, #flat, 2 do found[#found + 1] = { flat[i], tonumber(flat[i + 1]) } end
    end
    table.sort(found, function(one, other) return one[2] < other[2] end)
    local count = math.min(most, #found)
    local result = { #found >= most and found[count][2] or record.last, record.last }
    for i = 1, count do
      local key, version = found[i][1], found[i][2]
      local row = row_of(base, key)
      for _, each in ipairs({ key, version, row and row.expires or 0, row and row.value or false }) do
        result[#result + 1] = each
      end
    end
    return result
  end

  -- For sweep.lua.
  function steps.drop_ended(base, before) return drop_expired(base, before, DUE_OF_SWEEP) end
  return steps
end
