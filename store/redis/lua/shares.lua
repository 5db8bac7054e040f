--[[
  What is unread of each token id in a part of an upstream log (KEY.shares): id without its first byte -> messages * 2^33 +
  payload bytes. It is counted only while so much is unread that one token id may have its share of it: readers that keep up
  leave less, and then it costs nothing.
]]
function parts.shares()
  local log = need('log')
  -- Both in one number that Lua holds exactly: up to a million messages, and 8 GiB.
  local MESSAGE = 2 ^ 33

  local function shares_of(record) return record.base .. KEY.shares .. record.app end

  -- What a token id has unread changes. `unread` is what this batch knows of it, `owed` what it writes at its end.
  local function change(record, id, amount)
    record.owed[id] = (record.owed[id] or 0) + amount
    if record.unread[id] then record.unread[id] = record.unread[id] + amount end
  end

  local function give_back(record, entry, payload) change(record, string.sub(entry, 20, 34), -(MESSAGE + payload)) end

  local function write_owed(record)
    for id, amount in pairs(record.owed) do
      if amount ~= 0 and call('HINCRBY', shares_of(record), id, string.format('%.0f', amount)) <= 0 then
        call('HDEL', shares_of(record), id)
      end
    end
    record.owed = {}
  end

  -- So much is unread that one token id may have its share of it: from now on what each has is known.
  local function count(record)
    local shares, from = {}, record.head
    while record.count > 0 and from <= record.last do
      local offsets, fields, following = log.span(record, from, record.last, 128)
      if #offsets == 0 then break end
      local entries = call('HMGET', log.entries_of(record), unpack(fields))
      for i = 1, #offsets do
        if entries[i] then
          local id = string.sub(entries[i], 20, 34)
          shares[id] = (shares[id] or 0) + MESSAGE + struct.unpack('>I4', entries[i], 2)
        end
      end
      from = following
    end
    for id, amount in pairs(shares) do call('HSET', shares_of(record), id, string.format('%.0f', amount)) end
    record.counted, record.unread, record.owed = true, {}, {}
  end

  local function forget(record)
    call('UNLINK', shares_of(record))
    record.counted, record.unread, record.owed = false, {}, {}
  end

  -- Before they are counted again, as much has to be published as is looked at then.
  local function forget_few(record)
    if record.counted and record.count <= LIMIT.share_messages / 2 and record.bytes <= LIMIT.share_bytes / 2 then
      forget(record)
    end
  end

  -- False: the token id has as much unread as it may. One message fits, whatever its size.
  local function take(record, id, payload)
    if not record.counted then
      if record.count < LIMIT.share_messages and record.bytes + payload <= LIMIT.share_bytes then return true end
      count(record)
    end
    local field, amount = string.sub(id, 2), MESSAGE + payload
    local unread = record.unread[field]
    if not unread then
      unread = tonumber(call('HGET', shares_of(record), field) or '0') + (record.owed[field] or 0)
      record.unread[field] = unread
    end
    local messages = math.floor(unread / MESSAGE)
    local bytes = unread - messages * MESSAGE
    if messages > 0 and (messages >= LIMIT.share_messages or bytes + payload > LIMIT.share_bytes) then return false end
    change(record, field, amount)
    return true
  end

  return { give_back = give_back, write = write_owed, forget = forget, forget_few = forget_few, take = take }
end
