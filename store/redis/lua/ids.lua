--[[
  Message ids that are remembered: a hash of id -> record.
    128 + what the message ended as (a number of ENDS, or 0) + 8 where nobody can have seen it by then
    offset (6), fingerprint (8), stored (6), expires (6), and until (6) where it is remembered longer than the message lives
  Before messages could be followed, a record was MessagePack: offset, until. It begins with another byte.
]]
function parts.ids()
  local FORMAT, UNSEEN, FORMS = 128, 8, 16
  local FIXED, TIME = '>BI6c8I6I6', '>I6'
  local FIXED_BYTES = 27

  local function is_old(packed)
    local first = string.byte(packed)
    return first < FORMAT or first >= FORMAT + FORMS
  end

  -- Offset, and until when it is remembered.
  local function place(packed)
    if is_old(packed) then return unpack_packed(packed) end
    local _, offset, _, _, expires = struct.unpack(FIXED, packed)
    return offset, #packed > FIXED_BYTES and struct.unpack(TIME, packed, FIXED_BYTES + 1) or expires
  end

  local function parse(packed)
    local offset, till = place(packed)
    -- When it was stored is not known of an old one: at the latest then.
    if is_old(packed) then return { offset = offset, till = till, stored = till - LIMIT.dedupe_ms, expires = till, ended = 0 } end
    local first, _, fingerprint, stored, expires = struct.unpack(FIXED, packed)
    return {
      offset = offset, till = till, fingerprint = fingerprint, stored = stored, expires = expires,
      ended = (first - FORMAT) % UNSEEN, unseen = first - FORMAT >= UNSEEN,
    }
  end

  -- The record of an id that is remembered still; or nil, and the offset of one that is not any more.
  local function find(key, id)
    local packed = call('HGET', key, id)
    if not packed then return nil end
    local known = parse(packed)
    if known.till <= NOW then return nil, known.offset end
    return known
  end

  local function write(key, id, known)
    local first = FORMAT + known.ended + (known.unseen and UNSEEN or 0)
    local packed = struct.pack(FIXED, first, known.offset, known.fingerprint, known.stored, known.expires)
    if known.till > known.expires then packed = packed .. struct.pack(TIME, known.till) end
    call('HSET', key, id, packed)
  end

  local function remember(key, id, offset, fingerprint, entry)
    local expires, stored = struct.unpack('>I6I6', entry, 6)
    local till = math.max(NOW + LIMIT.dedupe_ms, expires)
    write(key, id, { offset = offset, till = till, fingerprint = fingerprint, stored = stored, expires = expires, ended = 0 })
  end

  -- Of an entry.
  local function of(entry) return string.sub(entry, 20, 19 + string.byte(entry, 19)) end

  -- It is another message than the one that is known by this id. Of an old record, nobody can say.
  local function differs(known, fingerprint) return known.fingerprint ~= nil and known.fingerprint ~= fingerprint end

  return { place = place, find = find, write = write, remember = remember, of = of, differs = differs }
end
