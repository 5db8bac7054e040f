-- Runs the steps, writes what they changed, tells other nodes, and keeps the results for a repetition.
local results, kept, all_kept = {}, {}, true
for i = 2, #batch do
  local step = batch[i]
  local result = replayed and replayed[i - 1]
  if not result then result = handlers[step[1]](step) end
  results[i - 1] = result
  if CHANGES and reads[step[1]] then
    kept[i - 1], all_kept = false, false
  else
    kept[i - 1] = result
  end
end

for _, record in pairs(records) do
  if record and record.dirty then store_record(record) end
end
for _, record in pairs(apps) do
  if record.dirty then store_app(record) end
end
for node, events in pairs(wakes) do
  -- Each node listens to its own channel; '' is the one that all listen to.
  call('PUBLISH', CHANNELS .. node, pack(events))
end

local reply = pack(results)
if CHANGES and not replayed then
  local saved = pack(SEQUENCE, NOW) .. (all_kept and reply or pack(kept))
  if journal.run then
    call('HSET', KEYS[1], 'run', journal.run, PROCESS, saved)
  else
    call('HSET', KEYS[1], PROCESS, saved)
  end
end
return reply
