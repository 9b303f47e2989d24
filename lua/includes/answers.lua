-- When called fans answer, if they do: measured in bins of age that double, from the cohorts that have
-- passed them. Each bin keeps how many calls passed it and how many were claimed in it.
local BINS = 10 -- the first ends after a quarter of a second when two minutes are given to answer
-- What is believed before the first calls have been answered: as much as twenty calls would say. That
-- nearly all come, within seconds: who is called when they do come finds the turnstile open, and those who
-- do not are made up for as soon as that is seen.
local PRIOR_CALLS = 20
local PRIOR_HUNDREDTHS = {10, 15, 20, 20, 15, 10, 5, 2, 0, 0}
-- The older half of what is known fades as so many calls pass: a minute of a busy sale.
local MEMORY_CALLS = 1000
-- However few come, no more than ten are called for each that shall.
local SHOW_MIN = 0.1

local function read_answers(line, answer_ms)
  local answers = {}
  for number in string.gmatch(redis.call('HGET', line, 'answers') or '', '[^ ]+') do
    answers[#answers + 1] = tonumber(number)
  end
  local bins = {}
  for bin = 1, BINS do
    bins[bin] = {
      ends = answer_ms / 2 ^ (BINS - bin),
      passed = answers[2 * bin - 1] or PRIOR_CALLS,
      claimed = answers[2 * bin] or PRIOR_CALLS * PRIOR_HUNDREDTHS[bin] / 100,
    }
  end
  return bins
end

local function put_answers(line, bins)
  local numbers = {}
  for _, bin in ipairs(bins) do
    numbers[#numbers + 1] = string.format('%.17g %.17g', bin.passed, bin.claimed)
  end
  redis.call('HSET', line, 'answers', table.concat(numbers, ' '))
end

-- Count a cohort in the bins it has passed by now; answers whether there were any.
local function pass_bins(bins, cohort, age, span)
  local before = cohort.passed
  while cohort.passed < BINS and age >= bins[cohort.passed + 1].ends + span do
    cohort.passed = cohort.passed + 1
    local bin = bins[cohort.passed]
    bin.passed = bin.passed + cohort.called
    bin.claimed = bin.claimed + cohort.claimed - cohort.counted
    cohort.counted = cohort.claimed
    if bin.passed > MEMORY_CALLS then
      bin.claimed = bin.claimed * (MEMORY_CALLS / bin.passed)
      bin.passed = MEMORY_CALLS
    end
  end
  return cohort.passed > before
end

-- What the bins say: the part of calls that is answered, after how long on average (ms), and by each
-- bin's end how many of all have come.
local function summed_up(bins)
  local show, weighted, from, by = 0, 0, 0, {}
  for number, bin in ipairs(bins) do
    local part = bin.claimed / bin.passed
    show = show + part
    weighted = weighted + part * (from + bin.ends) / 2
    from = bin.ends
    by[number] = show
  end
  local lead_ms = show > 0 and weighted / show or 0
  return {show = math.max(SHOW_MIN, math.min(1, show)), lead_ms = lead_ms, by = by}
end

-- How likely a fan still comes who has not for so long.
local function still_comes(bins, sum, age)
  local from, came = 0, 0
  for number, bin in ipairs(bins) do
    if age <= bin.ends then
      came = came + (sum.by[number] - came) * ((age - from) / (bin.ends - from))
      break
    end
    from, came = bin.ends, sum.by[number]
  end
  return math.max(0, math.min(1, (sum.by[BINS] - came) / math.max(0.001, 1 - came)))
end
