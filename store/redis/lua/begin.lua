--[[
  One batch of steps, in order, as one atomic script. The files of this folder are joined to one script, in the order
  that ../script.ts names; the names of keys (KEY) come before them, from ../keys.ts.

  KEYS[1]  the journal of the lane; its hash tag routes the script in a Cluster
  KEYS[2]  a key that is never written, see `absentKey`
  ARGV[1]  msgpack: { header, step, step, ... }
           header: { process, sequence, now, changes, verify, node, channels, limits... }, see below
           step:   { name, base of the keys, arguments... }; the head of each file lists them
  Result   msgpack: { result, result, ... } in the order of the steps. A result is an array, or a string: the code of
           the error that refused this one step. 'STALE' instead of the array: a later batch of this lane was done.

  Redis runs the whole text with every call, and each function that it defines costs time. So every file but the first
  and the last is one function in `parts`, which `need` calls once when a step asks for it.

  Safe to run twice: the journal keeps the sequence and the results of the last batch of each process, and a lane has
  one batch under way. The same batch again is answered from the journal; an older one is refused.
]]
local batch = cmsgpack.unpack(ARGV[1])
local header = batch[1]
local PROCESS, SEQUENCE, NOW, CHANGES, VERIFY, NODE, CHANNELS = unpack(header, 1, 7)
local LIMIT = {
  private_messages = header[8], private_bytes = header[9], broadcast_messages = header[10], broadcast_bytes = header[11],
  retained_broadcasts = header[12], dedupe_ms = header[13],
}
local call, pack, unpack_packed = redis.call, cmsgpack.pack, cmsgpack.unpack
local journal = call('HMGET', KEYS[1], 'run', PROCESS)

local replayed
if CHANGES and journal[2] then
  local offset, sequence = cmsgpack.unpack_one(journal[2])
  if sequence > SEQUENCE then return pack('STALE') end
  if sequence == SEQUENCE then
    local saved_at
    offset, saved_at = cmsgpack.unpack_one(journal[2], offset)
    offset, replayed = cmsgpack.unpack_one(journal[2], offset)
  end
end

-- Which life of the server this is. A restart or failover without `appendfsync always` may lose the newest writes, so
-- that an offset or epoch would be given twice. Records that were last written in another life jump ahead (`rebase`).
-- The run id tells, and is asked for when the connection is new; between that, LASTSAVE is cheap and changes with every
-- start that is not within the same second. A jump is a multiple of 65,535, so that packet ids made from offsets go on.
local RUN = 0
local JUMP = 65535 * 16
if CHANGES then
  local saved = redis.pcall('LASTSAVE')
  local known_save, known_run
  if journal[1] then known_save, known_run = unpack_packed(journal[1]) end
  if type(saved) == 'number' and saved == known_save and not VERIFY then
    RUN = known_run
  elseif type(saved) == 'number' then
    local info = redis.pcall('INFO', 'server')
    local id = type(info) == 'string' and string.match(info, 'run_id:(%x%x%x%x%x%x%x%x)')
    if id then
      RUN = tonumber(id, 16)
    end
  end
  if type(saved) == 'number' and (saved ~= known_save or RUN ~= known_run) then journal.run = pack(saved, RUN) end
end

local parts, needed = {}, {}

local function need(name)
  local part = needed[name]
  if not part then
    part = parts[name]()
    needed[name] = part
  end
  return part
end

-- What is read in one batch, and written once at its end: token id -> record, base -> record of an app.
local records, apps = {}, {}
-- Entries of logs that are written together, before anything is read there and at the end:
-- key -> { field, entry, ..., count = how many of both }
local unwritten = {}
-- What other nodes are to hear: node -> { events }, sent as one message to each at the end.
local wakes = {}
