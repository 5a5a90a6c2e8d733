Attribute VB_Name = "BridgeApi"
Option Explicit

' Orders, targets and prices through Bridge's API. The workbook's names BridgeUrl and BridgeKey say where, and with which key.
'
' PlaceSelectedRow sends the selected row of the sheet "Trades": A Id, B Action, C Symbol, D Quantity, E Answer.
' HoldSelectedRow makes the position of column C what column D says, whatever is held now.
' =BridgePrice("INFY") in a cell is the last price. A cell recalculates by itself: read prices in cells, never send orders.

Private Const ORDER As String = "{""apikey"":""<key>"",""strategy"":""Excel"",""symbol"":""<symbol>"",""exchange"":""NSE"",""action"":""<action>"",""quantity"":""<quantity>"",""pricetype"":""MARKET"",""product"":""MIS"",""client_order_id"":""<id>""}"
Private Const TARGET As String = "{""apikey"":""<key>"",""strategy"":""Excel"",""symbol"":""<symbol>"",""exchange"":""NSE"",""action"":""<action>"",""quantity"":""0"",""pricetype"":""MARKET"",""product"":""MIS"",""position_size"":""<position>""}"
Private Const QUOTE As String = "{""apikey"":""<key>"",""symbol"":""<symbol>"",""exchange"":""NSE""}"

Public Sub PlaceSelectedRow()
    Dim row As Range, text As String
    Set row = SelectedRow()
    If row Is Nothing Then Exit Sub
    If row.Cells(1, 1).Text = "" Then
        row.Cells(1, 1).NumberFormat = "@"
        row.Cells(1, 1).Value = NewId()
        ' The id is on disk before anything leaves the workbook: sent again, it cannot act twice.
        ThisWorkbook.Save
    End If
    text = Replace(ORDER, "<action>", Escaped(UCase$(row.Cells(1, 2).Text)))
    text = Replace(text, "<quantity>", Number(row.Cells(1, 4)))
    text = Replace(text, "<id>", Escaped(row.Cells(1, 1).Text))
    Send row, "/api/v1/placeorder", Replace(text, "<symbol>", Escaped(row.Cells(1, 3).Text))
End Sub

Public Sub HoldSelectedRow()
    Dim row As Range, text As String
    Set row = SelectedRow()
    If row Is Nothing Then Exit Sub
    ' Action and quantity are part of the protocol; the target decides.
    text = Replace(TARGET, "<action>", IIf(row.Cells(1, 4).Value2 < 0, "SELL", "BUY"))
    text = Replace(text, "<position>", Number(row.Cells(1, 4)))
    Send row, "/api/v1/placesmartorder", Replace(text, "<symbol>", Escaped(row.Cells(1, 3).Text))
End Sub

Public Function BridgePrice(ByVal symbol As String) As Variant
    Dim request As Object, found As Object
    Set request = Posted("/api/v1/quotes", Replace(QUOTE, "<symbol>", Escaped(symbol)))
    Set found = CreateObject("VBScript.RegExp")
    found.Pattern = """ltp"":\s*([0-9.]+)"
    If request.Status = 200 And found.Test(request.responseText) Then
        BridgePrice = Val(found.Execute(request.responseText)(0).SubMatches(0))
    Else
        BridgePrice = CVErr(xlErrNA)
    End If
End Function

Private Function SelectedRow() As Range
    Dim sheet As Worksheet, row As Range
    Set sheet = ThisWorkbook.Worksheets("Trades")
    If Not ActiveSheet Is sheet Or ActiveCell.Row < 2 Then MsgBox "Select a row of the sheet Trades first.": Exit Function
    Set row = sheet.Rows(ActiveCell.Row)
    If VarType(row.Cells(1, 4).Value2) <> vbDouble Then MsgBox "Column D is not a number.": Exit Function
    If row.Cells(1, 5).Text <> "" Then MsgBox "This row was answered: " & row.Cells(1, 5).Text: Exit Function
    Set SelectedRow = row
End Function

Private Sub Send(ByVal row As Range, ByVal path As String, ByVal text As String)
    Dim request As Object
    On Error GoTo NotReached
    Set request = Posted(path, text)
    On Error GoTo 0
    ' Too fast, or a server in trouble: nothing is decided, and the row may be sent again.
    If request.Status = 429 Or request.Status >= 500 Then MsgBox "Bridge answered " & request.Status & ".": Exit Sub
    row.Cells(1, 5).Value = request.responseText
    Exit Sub
NotReached:
    MsgBox "Bridge was not reached (" & Err.Description & "). Send the row again; its id keeps it from acting twice."
End Sub

Private Function Posted(ByVal path As String, ByVal text As String) As Object
    Dim request As Object
    Set request = CreateObject("MSXML2.XMLHTTP.6.0")
    request.Open "POST", CStr(ThisWorkbook.Names("BridgeUrl").RefersToRange.Value) & path, False
    request.setRequestHeader "Content-Type", "application/json"
    request.send Replace(text, "<key>", Escaped(CStr(ThisWorkbook.Names("BridgeKey").RefersToRange.Value)))
    Set Posted = request
End Function

' The number itself, not how the cell shows it, and with a point wherever Windows writes a comma.
Private Function Number(ByVal cell As Range) As String
    Number = Replace(CStr(cell.Value2), ",", ".")
End Function

Private Function Escaped(ByVal text As String) As String
    Escaped = Replace(Replace(text, "\", "\\"), """", "\""")
End Function

Private Function NewId() As String
    Dim digits As String, place As Integer
    Randomize
    For place = 1 To 8
        digits = digits & Hex$(Int(Rnd * 16))
    Next place
    NewId = Format$(Now, "yyyymmdd\Thhnnss") & "-" & digits
End Function
