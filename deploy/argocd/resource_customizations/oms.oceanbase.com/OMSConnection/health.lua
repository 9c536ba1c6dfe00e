-- The status follows kstatus, and so does what is said here
-- (https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md):
--
--   Terminating, InProgress -> Progressing    Failed -> Degraded    Current -> Healthy
--
-- with one word of Argo CD's own. What waits because somebody has set
-- spec.suspend is Suspended. What is paused or suspended and as declared is
-- Healthy, like a suspended CronJob: Suspended would keep a sync with waves
-- waiting for ever, and with it the commit that ends the suspension
-- (https://github.com/argoproj/argo-cd/issues/24428).

local function condition(type)
  if obj.status == nil or obj.status.conditions == nil then
    return {}
  end
  for _, one in ipairs(obj.status.conditions) do
    if one.type == type then
      return one
    end
  end
  return {}
end

local ready = condition("Ready")

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "Being deleted" }
end

-- Before anything else: an older status says nothing of what is applied now.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for oms-operator to look at it" }
end

local status = "Progressing"
if condition("Reconciling").status == "True" then
  if ready.reason == "Suspended" then
    status = "Suspended"
  end
elseif condition("Stalled").status == "True" then
  status = "Degraded"
elseif ready.status == "True" then
  status = "Healthy"
end

return { status = status, message = ready.message or "Waiting for oms-operator to look at it" }
