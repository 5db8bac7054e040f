--[[
  register  base, id, app, device hash, expires (seconds), end of the app's broadcast log
            -> { generation, id of the token id that was current before or false, epoch of its session here or false }
  revoke    base, id  -> { known, epoch of a session on this node or false }
  lookup    base, id  -> TOKEN_UNKNOWN or { app, generation, revoked, current, private cursor, broadcast cursor }
]]

-- The token id that was current for this app and device: all of them are in one bucket.
local function supersede(record)
  local fields = call('HGETALL', record.base .. KEY.tokens .. record.bucket)
  for i = 1, #fields, 2 do
    local id = string.sub(record.id, 1, 1) .. fields[i]
    local other = id ~= record.id and (records[id] or parse_record(record.base, id, record.bucket, fields[i + 1]))
    if other and has(other, CURRENT) and other.device == record.device and other.app == record.app then
      records[id] = other
      set_flag(other, CURRENT, false)
      return other.id, end_session(other, 'TOKEN_SUPERSEDED') and other.epoch
    end
  end
  return false, false
end

function handlers.register(step)
  local _, base, id, app, device, expires, broadcast = unpack(step)
  local record = record_of(base, id)
  if not record then
    record = {
      base = base, id = id, bucket = bucket_of(id), entries = base .. KEY.log,
      flags = 0, generation = 1, serial = call('INCR', base .. KEY.serials), run = RUN, epoch = 0, last = 0, cursor = 0,
      broadcast = broadcast, expires = expires, due = 0, app = app, device = device,
      head = 0, count = 0, bytes = 0, dirty = true,
    }
    records[id] = record
    call('ZADD', base .. KEY.due, 'LT', expires * 1000, record.bucket)
  elseif expires > record.expires then
    if record.due == 0 then record.due = record.expires end
    record.expires, record.dirty = expires, true
  end
  set_flag(record, REVOKED, false)
  local former, ended = false, false
  if not has(record, CURRENT) then
    set_flag(record, CURRENT, true)
    former, ended = supersede(record)
  end
  return { record.generation, former, ended }
end

function handlers.revoke(step)
  local _, base, id = unpack(step)
  local record = record_of(base, id)
  if not record then return { false, false } end
  local ended = false
  if not has(record, REVOKED) then
    set_flag(record, REVOKED, true)
    record.generation, record.dirty = record.generation + 1, true
    ended = end_session(record, 'TOKEN_REVOKED') and record.epoch
  end
  return { true, ended }
end

reads.lookup = true
function handlers.lookup(step)
  local record = record_of(step[2], step[3])
  if not record then return 'TOKEN_UNKNOWN' end
  return { record.app, record.generation, has(record, REVOKED), has(record, CURRENT), record.cursor, record.broadcast }
end
