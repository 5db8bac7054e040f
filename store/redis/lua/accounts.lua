--[[
  Which token ids belong to an account, in the partition of its mark. KEY.account and the mark: hash of token id (16 bytes) ->
  { format, stamp, epoch of the app, epoch of the account, when it ends }, and of '' -> { format, the newest stamp, no token id
  ends before (0: there is none), when the last one ends }. The key ends with that.

  note_device      base, mark, id, epoch of the app, epoch of the account, ends, most  -> { noted }
  account_devices  base, mark                                  -> { id, stamp, epoch of the app, epoch of the account, ... }
  forget_devices   base, mark, id, stamp, id, stamp, ...       -> { }
]]
function parts.accounts()
  local steps = {}
  local FORMAT, ALL, TOGETHER = 1, '', 256
  -- As long an account without token ids is known: the clock is above its stamps by then, if it was set back a little.
  local EMPTY_MS = 3600000

  local function key_of(step) return step[2] .. KEY.account .. step[3] end

  local function summary(packed)
    if not packed then return { stamp = 0, earliest = 0, latest = 0 } end
    local _, stamp, earliest, latest = unpack_packed(packed)
    return { stamp = stamp, earliest = earliest, latest = latest }
  end

  local function pack_summary(all) return pack(FORMAT, all.stamp, all.earliest, all.latest) end

  local function drop(key, gone)
    for i = 1, #gone, TOGETHER do call('HDEL', key, unpack(gone, i, math.min(i + TOGETHER - 1, #gone))) end
  end

  -- Takes out those that have ended.
  local function prune(key, all)
    local fields, gone, earliest = call('HGETALL', key), {}, math.huge
    for i = 1, #fields, 2 do
      if fields[i] ~= ALL then
        local _, _, _, _, ends = unpack_packed(fields[i + 1])
        if ends <= NOW then gone[#gone + 1] = fields[i] else earliest = math.min(earliest, ends) end
      end
    end
    drop(key, gone)
    all.earliest = earliest == math.huge and 0 or earliest
  end

  function steps.note_device(step)
    local _, _, _, id, app_epoch, account_epoch, ends, most = unpack(step)
    local key = key_of(step)
    local packed = call('HMGET', key, ALL, id)
    local all, known = summary(packed[1]), packed[2]
    if all.earliest > 0 and all.earliest <= NOW then
      prune(key, all)
      known = call('HGET', key, id)
    end
    if known then
      local _, _, app_before, account_before, ends_before = unpack_packed(known)
      app_epoch, account_epoch = math.max(app_epoch, app_before), math.max(account_epoch, account_before)
      ends = math.max(ends, ends_before)
    elseif FULL then
      return 'FULL'
    elseif call('HLEN', key) > most then
      return { false }
    end
    -- Above those of an account that was here before and is gone with its newest stamp.
    all.stamp = math.max(all.stamp + 1, ticks())
    all.earliest = all.earliest > 0 and math.min(all.earliest, ends) or ends
    local is_last = ends > all.latest
    all.latest = math.max(all.latest, ends)
    call('HSET', key, id, pack(FORMAT, all.stamp, app_epoch, account_epoch, ends), ALL, pack_summary(all))
    if is_last then call('PEXPIRE', key, math.max(1, ends - NOW)) end
    return { true }
  end

  function steps.account_devices(step)
    local fields, result = call('HGETALL', key_of(step)), {}
    for i = 1, #fields, 2 do
      if fields[i] ~= ALL then
        local _, stamp, app_epoch, account_epoch, ends = unpack_packed(fields[i + 1])
        if ends > NOW then
          for _, each in ipairs({ fields[i], stamp, app_epoch, account_epoch }) do result[#result + 1] = each end
        end
      end
    end
    return result
  end

  function steps.forget_devices(step)
    local key, ids = key_of(step), {}
    for i = 4, #step, 2 do ids[#ids + 1] = step[i] end
    local known, gone = call('HMGET', key, unpack(ids)), {}
    for i = 1, #ids do
      if known[i] then
        local _, stamp = unpack_packed(known[i])
        if stamp == step[3 + 2 * i] then gone[#gone + 1] = ids[i] end
      end
    end
    drop(key, gone)
    if #gone > 0 and call('HLEN', key) == 1 then
      local all = summary(call('HGET', key, ALL))
      all.earliest, all.latest = 0, 0
      call('HSET', key, ALL, pack_summary(all))
      call('PEXPIRE', key, EMPTY_MS)
    end
    return {}
  end

  return steps
end
