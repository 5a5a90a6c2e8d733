// An expert advisor that trades nothing here: it sends its signals to Bridge. Put your own rules in Signal().
// Allow Bridge's address under Tools, Options, Expert Advisors, "Allow WebRequest for listed URL".
#property copyright "The Bridge authors"
#property version   "1.00"

input string Address      = "";      // Webhook address
input string Quantity     = "1";     // Quantity, in the unit your strategy in Bridge expects
input string BridgeSymbol = "";      // Symbol as Bridge knows it; empty: this chart's
input int    FastPeriod   = 10;
input int    SlowPeriod   = 30;

const string ENTRY_TEMPLATE = "{\"action\":\"<action>\",\"symbol\":\"<symbol>\",\"quantity\":\"<quantity>\",\"signalId\":\"<id>\"}";
const string EXIT_TEMPLATE  = "{\"action\":\"close\",\"symbol\":\"<symbol>\",\"signalId\":\"<id>\"}";

int fast, slow;

int OnInit()
{
   fast = iMA(_Symbol, _Period, FastPeriod, 0, MODE_SMA, PRICE_CLOSE);
   slow = iMA(_Symbol, _Period, SlowPeriod, 0, MODE_SMA, PRICE_CLOSE);
   return (Address == "" || fast == INVALID_HANDLE || slow == INVALID_HANDLE) ? INIT_PARAMETERS_INCORRECT : INIT_SUCCEEDED;
}

void OnTick()
{
   datetime bar = iTime(_Symbol, _Period, 1);
   // Global variables outlive the terminal: a bar that was answered is not sent again after a restart.
   string done = "bridge " + _Symbol + " " + EnumToString(Period());
   if(GlobalVariableCheck(done) && (datetime)GlobalVariableGet(done) >= bar)
      return;
   string action;
   if(Signal(action) && (action == "" || Sent(Message(action, bar))))
      GlobalVariableSet(done, (double)bar);
}

// Sets "buy", "close" or "" for the bar that was just finished; false while the averages are not there yet.
bool Signal(string &action)
{
   double f[2], s[2];
   action = "";
   if(CopyBuffer(fast, 0, 1, 2, f) != 2 || CopyBuffer(slow, 0, 1, 2, s) != 2)
      return false;
   if(f[0] <= s[0] && f[1] > s[1])
      action = "buy";
   if(f[0] >= s[0] && f[1] < s[1])
      action = "close";
   return true;
}

string Message(string action, datetime bar)
{
   string symbol = BridgeSymbol == "" ? _Symbol : BridgeSymbol;
   string text = action == "close" ? EXIT_TEMPLATE : ENTRY_TEMPLATE;
   StringReplace(text, "<action>", action);
   StringReplace(text, "<symbol>", symbol);
   StringReplace(text, "<quantity>", Quantity);
   StringReplace(text, "<id>", symbol + "-" + action + "-" + TimeToString(bar, TIME_DATE | TIME_MINUTES));
   return text;
}

// True when Bridge answered for good. Otherwise the next tick tries again under the same id, which cannot act twice.
bool Sent(string message)
{
   char data[], result[];
   string headers;
   // Without the closing zero byte, which is not part of the message.
   ArrayResize(data, StringToCharArray(message, data, 0, WHOLE_ARRAY, CP_UTF8) - 1);
   int status = WebRequest("POST", Address, "Content-Type: application/json\r\n", 5000, data, result, headers);
   Print("Bridge: ", status == -1 ? "not reached, error " + IntegerToString(GetLastError()) : CharArrayToString(result));
   return status == 202 || status == 409 || status == 422;
}
