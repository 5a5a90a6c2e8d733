Attribute VB_Name = "Bridge"
Option Explicit

' Sends the selected row of the sheet "Orders" to Bridge. Columns: A Id, B Action, C Symbol, D Quantity, E Status.
' The webhook address stands in the workbook's name BridgeWebhook. Assign SendSelectedRow to a button.
'
' A row that has a Status is never sent. A row keeps its Id, so sending it again after a broken connection cannot act twice.

Private Const TEMPLATE As String = "{""action"":""<action>"",""symbol"":""<symbol>"",""quantity"":""<quantity>"",""signalId"":""<id>""}"

Public Sub SendSelectedRow()
    Dim sheet As Worksheet, at As Long
    Set sheet = ThisWorkbook.Worksheets("Orders")
    If Not ActiveSheet Is sheet Then MsgBox "Select a row of the sheet Orders first.": Exit Sub
    at = ActiveCell.Row
    If at < 2 Or sheet.Cells(at, 2).Text = "" Then MsgBox "This row holds no order.": Exit Sub
    If VarType(sheet.Cells(at, 4).Value2) <> vbDouble Then MsgBox "The quantity is not a number.": Exit Sub
    If sheet.Cells(at, 5).Text <> "" Then MsgBox "This row was sent: " & sheet.Cells(at, 5).Text: Exit Sub
    If sheet.Cells(at, 1).Text = "" Then
        sheet.Cells(at, 1).NumberFormat = "@"
        sheet.Cells(at, 1).Value = NewId()
        ' The id is on disk before anything leaves the workbook.
        ThisWorkbook.Save
    End If
    PostRow sheet, at
End Sub

Private Sub PostRow(ByVal sheet As Worksheet, ByVal at As Long)
    Dim request As Object
    On Error GoTo NotReached
    Set request = CreateObject("MSXML2.XMLHTTP.6.0")
    request.Open "POST", CStr(ThisWorkbook.Names("BridgeWebhook").RefersToRange.Value), False
    request.setRequestHeader "Content-Type", "application/json"
    request.send Message(sheet, at)
    On Error GoTo 0
    Select Case request.Status
        Case 202, 409, 422
            sheet.Cells(at, 5).Value = request.responseText
        Case Else
            MsgBox "Bridge answered " & request.Status & ". Nothing is known to be done; send the row again."
    End Select
    Exit Sub
NotReached:
    MsgBox "Bridge was not reached (" & Err.Description & "). Send the row again; its id keeps it from acting twice."
End Sub

Private Function Message(ByVal sheet As Worksheet, ByVal at As Long) As String
    Dim text As String
    text = Replace(TEMPLATE, "<action>", Escaped(sheet.Cells(at, 2).Text))
    text = Replace(text, "<symbol>", Escaped(sheet.Cells(at, 3).Text))
    ' The number itself, not how the cell shows it, and with a point wherever Windows writes a comma.
    text = Replace(text, "<quantity>", Replace(CStr(sheet.Cells(at, 4).Value2), ",", "."))
    Message = Replace(text, "<id>", Escaped(sheet.Cells(at, 1).Text))
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
