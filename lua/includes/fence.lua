-- Nil when the data under this key belongs to the caller's epoch, else the refusal to answer with.
-- No data is never "all free": it is not loaded.
local function fence(key, epoch)
  local found = redis.call('HGET', key, 'epoch')
  if not found then
    return {'not_loaded'}
  end
  if found ~= epoch then
    return {'fenced', found}
  end
  return nil
end
