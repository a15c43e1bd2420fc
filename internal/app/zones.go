package app

// The zones of every workspace are known on a machine without zone files too.
import _ "time/tzdata"
