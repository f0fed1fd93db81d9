# Checks values against a JSON Schema: as much of draft 2020-12 as vmm/schemas uses, and strictly, so
# that a member without a description in the schema is a mistake.
#   jq --slurpfile schemas ALL.json --arg name acre-map.json -f schema.jq VALUES
# prints a line for each mistake; nothing when there is none. A schema's word that is not known here is
# an error.

# "#/$defs/x" in `root`, "file.json", "file.json#/$defs/x": {root, schema}
def resolve($root; $ref):
    ($ref | split("#")) as [$file, $path] |
    (if $file == "" then $root else $schemas | map(select(."$id" == $file))[0] end) as $at |
    ($at // error("no schema \($ref)")) |
    {root: $at, schema: getpath(($path // "") | split("/")[1:])} |
    if .schema == null then error("no schema \($ref)") else . end;

def is_a($wanted):
    if $wanted == "integer" then type == "number" and . == floor else type == $wanted end;

def mistakes($root; $schema; $path):
    . as $value |
    def mistake($text): "\($path): \($text), not \($value | tojson | .[:80])";
    ($schema | keys_unsorted - ["$schema", "$id", "$defs", "title", "description", "$ref", "anyOf", "type",
        "enum", "const", "pattern", "minimum", "items", "minItems", "maxItems", "properties",
        "required"] | .[] | error("no check of \(.)")),
    if $schema | has("$ref") then
        resolve($root; $schema."$ref") as $to | mistakes($to.root; $to.schema; $path)
    elif $schema | has("anyOf") then
        if any($schema.anyOf[]; [. as $one | $value | mistakes($root; $one; $path)] == []) then empty
        else mistake("any of \($schema.anyOf | length)") end
    else
        (if $schema | has("type") then
            [$schema.type] | flatten |
            if any(.[]; . as $one | $value | is_a($one)) then empty else mistake(join(" or ")) end
        else empty end),
        (if $schema | has("enum") then
            if any($schema.enum[]; . == $value) then empty else mistake($schema.enum | tojson) end
        else empty end),
        (if $schema | has("const") then
            if $schema.const == $value then empty else mistake($schema.const | tojson) end
        else empty end),
        (if ($schema | has("pattern")) and type == "string" then
            if test($schema.pattern) then empty else mistake($schema.pattern) end
        else empty end),
        (if ($schema | has("minimum")) and type == "number" then
            if . >= $schema.minimum then empty else mistake(">= \($schema.minimum)") end
        else empty end),
        (if type == "array" then
            (if length < ($schema.minItems // 0) or length > ($schema.maxItems // length) then
                mistake("another number of items") else empty end),
            (if $schema | has("items") then
                range(length) as $i | .[$i] | mistakes($root; $schema.items; "\($path)[\($i)]")
            else empty end)
        else empty end),
        (if type == "object" then
            (($schema.required // [])[] as $key | if has($key) then empty else mistake("with \($key)") end),
            (keys_unsorted[] as $key |
                if $schema.properties | has($key) then
                    .[$key] | mistakes($root; $schema.properties[$key]; "\($path).\($key)")
                else mistake("without \($key)") end)
        else empty end)
    end;

resolve(null; $name) as $to | mistakes($to.root; $to.schema; "")
